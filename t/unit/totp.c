/*
 * RFC 6238 appendix B (SHA-1 column, six digits of its eight), RFC 4226 appendix D, RFC 4648
 * base32.
 */
#include "service/account/totp.h"

#include "core/arena.h"
#include "t/unit/tap.h"

#include "core/banned.h"

int
main(void)
{
	static const unsigned char secret[] = "12345678901234567890";
	static const struct {
		int64_t time;
		uint32_t code;
	} totp[] = {
		{ 59, 287082 },
		{ 1111111109, 81804 },
		{ 1111111111, 50471 },
		{ 1234567890, 5924 },
		{ 2000000000, 279037 },
		{ 20000000000, 353130 },
	};
	static const uint32_t hotp[] = { 755224, 287082, 359152, 969429, 338314, 254676, 287922,
		162583, 399871, 520489 };
	struct arena arena;

	arena_init(&arena);
	for (size_t i = 0; i < sizeof(totp) / sizeof(totp[0]); i++)
		is_int(totp_code(secret, 20, totp[i].time / TOTP_STEP_SECONDS), totp[i].code,
		    "the code at %lld", (long long)totp[i].time);
	for (size_t i = 0; i < sizeof(hotp) / sizeof(hotp[0]); i++)
		is_int(totp_code(secret, 20, (int64_t)i), hotp[i], "the code of counter %zu", i);
	is_str(base32_encode(&arena, "", 0), "", "base32 of nothing");
	is_str(base32_encode(&arena, "f", 1), "MY", "of f");
	is_str(base32_encode(&arena, "fo", 2), "MZXQ", "of fo");
	is_str(base32_encode(&arena, "foo", 3), "MZXW6", "of foo");
	is_str(base32_encode(&arena, "foobar", 6), "MZXW6YTBOI", "of foobar");
	arena_clear(&arena);
	return done_testing();
}
