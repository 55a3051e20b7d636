/* The check values of the CRC catalogue: each CRC is that of "123456789". */
#include "objectstore/objects_crc.h"
#include "t/unit/tap.h"

#include "core/banned.h"

int
main(void)
{
	static const struct {
		const char *header;
		uint64_t check;
	} known[] = {
		{ "x-amz-checksum-crc32", 0xcbf43926 },
		{ "x-amz-checksum-crc32c", 0xe3069283 },
		{ "x-amz-checksum-crc64nvme", 0xae8b14860a799888 },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		const struct crc_kind *kind = crc_find(known[i].header);

		ok(kind != NULL && crc_update(kind, 0, "123456789", 9) == known[i].check, "%s",
		    known[i].header);
		ok(kind != NULL &&
			crc_update(kind, crc_update(kind, 0, "1234", 4), "56789", 5) ==
			    known[i].check,
		    "%s, in two pieces", known[i].header);
		ok(kind != NULL && crc_update(kind, 0, "", 0) == 0, "%s of nothing",
		    known[i].header);
	}
	ok(crc_find("x-amz-checksum-sha256") == NULL, "no CRC");
	return done_testing();
}
