#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/str.h"
#include "store/sigv4.h"

#include "core/banned.h"

#define SIGNED_HEADERS_MAX 64

bool
sigv4_split_query(struct arena *arena, const char *raw, struct sigv4_pair **out, size_t *n)
{
	struct sigv4_pair *pairs = arena_array(arena, SIGV4_PAIRS_MAX, sizeof(*pairs));
	size_t count = 0;

	while (*raw != '\0') {
		size_t len = strcspn(raw, "&"), name_len = strcspn(raw, "=&"), ignored;
		const char *value = name_len < len ? raw + name_len + 1 : raw + len;
		char *name_text, *value_text;

		if (len > 0) {
			if (count == SIGV4_PAIRS_MAX ||
			    !url_decode(arena, raw, name_len, true, &name_text, &ignored) ||
			    !url_decode(arena, value, (size_t)(raw + len - value), true,
				&value_text, &ignored))
				return false;
			pairs[count++] = (struct sigv4_pair) { name_text, value_text };
		}
		raw += len + (raw[len] == '&');
	}
	*out = pairs;
	*n = count;
	return true;
}

const char *
sigv4_pair_get(const struct sigv4_pair *pairs, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(pairs[i].name, name) == 0)
			return pairs[i].value;
	return NULL;
}

bool
sigv4_is_presigned(const struct sigv4_pair *query, size_t n)
{
	return sigv4_pair_get(query, n, "X-Amz-Signature") != NULL ||
	    sigv4_pair_get(query, n, "X-Amz-Algorithm") != NULL ||
	    sigv4_pair_get(query, n, "X-Amz-Credential") != NULL;
}

/*
 * access/day/region/service/aws4_request; the access key may contain slashes, so the text is split
 * from the end.
 */
static bool
parse_credential(struct arena *arena, const char *text, struct sigv4_claim *claim)
{
	char *copy = arena_strdup(arena, text), *field[5];

	for (int i = 4; i > 0; i--) {
		char *slash = strrchr(copy, '/');

		if (slash == NULL)
			return false;
		*slash = '\0';
		field[i] = slash + 1;
	}
	if (strcmp(field[4], "aws4_request") != 0 || strlen(field[1]) != 8 ||
	    strspn(field[1], "0123456789") != 8 || *copy == '\0' || *field[2] == '\0' ||
	    *field[3] == '\0')
		return false;
	claim->access = copy;
	claim->day = field[1];
	claim->region = field[2];
	claim->service = field[3];
	return true;
}

/*
 * Names must be lower case and in ascending order, each once: other lists are not valid in a
 * signature.
 */
static bool
parse_signed_headers(struct arena *arena, const char *text, struct sigv4_claim *claim)
{
	const char **names = arena_array(arena, SIGNED_HEADERS_MAX, sizeof(*names));
	bool host = false;

	claim->nsigned = 0;
	while (*text != '\0') {
		size_t len = strcspn(text, ";");
		char *name = arena_strndup(arena, text, len);

		if (len == 0 || claim->nsigned == SIGNED_HEADERS_MAX ||
		    strcmp(name, str_lower(arena, name)) != 0 ||
		    (claim->nsigned > 0 && strcmp(names[claim->nsigned - 1], name) >= 0))
			return false;
		host = host || strcmp(name, "host") == 0;
		names[claim->nsigned++] = name;
		text += len;
		if (*text == ';' && *++text == '\0')
			return false;
	}
	claim->signed_headers = names;
	return host;
}

/* A text of another form cannot match, and must not be compared beyond its end. */
static bool
check_form(const struct sigv4_claim *claim, struct error *err)
{
	const char *s = claim->signature;

	if (strlen(s) == SIGV4_SIGNATURE - 1 &&
	    strspn(s, "0123456789abcdef") == SIGV4_SIGNATURE - 1)
		return true;
	return error_slug(err, ERR_FORBIDDEN, "SignatureDoesNotMatch",
	    "The signature must be 64 hexadecimal digits.");
}

static bool
malformed_header(struct error *err)
{
	return error_slug(err, ERR_MALFORMED, "AuthorizationHeaderMalformed",
	    "The Authorization header is malformed.");
}

/*
 * One `name=value` of the header; fields are separated by commas, blanks around them are optional
 * (s3cmd sends none).
 */
static const char *
next_field(struct arena *arena, const char *s, const char **name, const char **value)
{
	size_t len, name_len;

	s += strspn(s, " \t,");
	if (*s == '\0')
		return NULL;
	len = strcspn(s, ",");
	name_len = strcspn(s, "=,");
	*name = arena_strndup(arena, s, name_len);
	*value = str_trim(arena,
	    name_len < len ? arena_strndup(arena, s + name_len + 1, len - name_len - 1) : "");
	return s + len;
}

bool
sigv4_parse_authorization(struct arena *arena, const char *text, struct sigv4_claim *claim,
    struct error *err)
{
	const char *credential = NULL, *names = NULL, *name, *value;

	*claim = (struct sigv4_claim) { .expires = -1 };
	if (strlen(text) > SIGV4_AUTHORIZATION_MAX)
		return malformed_header(err);
	if (!str_starts(text, SIGV4_ALGORITHM " "))
		return error_slug(err, ERR_MALFORMED, "InvalidRequest",
		    "Only " SIGV4_ALGORITHM " signatures are supported.");
	text += strlen(SIGV4_ALGORITHM);
	while ((text = next_field(arena, text, &name, &value)) != NULL) {
		const char **slot = strcmp(name, "Credential") == 0 ? &credential :
		    strcmp(name, "SignedHeaders") == 0              ? &names :
		    strcmp(name, "Signature") == 0                  ? &claim->signature :
								      NULL;

		if (slot == NULL || *slot != NULL)
			return malformed_header(err);
		*slot = value;
	}
	if (credential == NULL || names == NULL || claim->signature == NULL ||
	    !parse_credential(arena, credential, claim) ||
	    !parse_signed_headers(arena, names, claim))
		return malformed_header(err);
	return check_form(claim, err);
}

/* Another program could read a repeated parameter differently, so it counts as missing. */
static const char *
only(const struct sigv4_pair *query, size_t n, const char *name)
{
	const char *found = NULL;

	for (size_t i = 0; i < n; i++) {
		if (strcmp(query[i].name, name) != 0)
			continue;
		if (found != NULL)
			return NULL;
		found = query[i].value;
	}
	return found;
}

bool
sigv4_parse_query(struct arena *arena, const struct sigv4_pair *query, size_t n,
    struct sigv4_claim *claim, struct error *err)
{
	const char *algorithm = only(query, n, "X-Amz-Algorithm"),
		   *credential = only(query, n, "X-Amz-Credential");
	const char *names = only(query, n, "X-Amz-SignedHeaders"),
		   *expires = only(query, n, "X-Amz-Expires");

	*claim = (struct sigv4_claim) { .date = only(query, n, "X-Amz-Date"),
		.signature = only(query, n, "X-Amz-Signature") };
	if (algorithm == NULL || strcmp(algorithm, SIGV4_ALGORITHM) != 0 || credential == NULL ||
	    names == NULL || expires == NULL || claim->date == NULL || claim->signature == NULL ||
	    !parse_credential(arena, credential, claim) ||
	    !parse_signed_headers(arena, names, claim))
		return error_slug(err, ERR_MALFORMED, "AuthorizationQueryParametersError",
		    "The signature's query parameters are incomplete or malformed.");
	if (!str_to_int(expires, 1, SIGV4_EXPIRES_MAX, &claim->expires))
		return error_slug(err, ERR_MALFORMED, "AuthorizationQueryParametersError",
		    "X-Amz-Expires must be between 1 and %d seconds.", SIGV4_EXPIRES_MAX);
	return check_form(claim, err);
}

static bool
check_time(const struct sigv4_claim *claim, const char *date, int64_t now, struct error *err)
{
	int64_t when;

	if (date == NULL || !time_parse_iso_basic(date, &when))
		return error_slug(err, ERR_FORBIDDEN, "AccessDenied",
		    "A valid X-Amz-Date is required.");
	if (strncmp(date, claim->day, 8) != 0)
		return error_slug(err, ERR_FORBIDDEN, "SignatureDoesNotMatch",
		    "The credential's date differs from the request's date.");
	if (when > now + SIGV4_SKEW_SECONDS * US_PER_SEC ||
	    (claim->expires < 0 && when < now - SIGV4_SKEW_SECONDS * US_PER_SEC))
		return error_slug(err, ERR_FORBIDDEN, "RequestTimeTooSkewed",
		    "The request's time and the server's differ by more than %d minutes.",
		    SIGV4_SKEW_SECONDS / 60);
	if (claim->expires >= 0 && when + claim->expires * US_PER_SEC < now)
		return error_slug(err, ERR_FORBIDDEN, "AccessDenied", "The request has expired.");
	return true;
}

bool
sigv4_verify(struct sigv4_signer *signer, struct arena *arena, const struct sigv4_claim *claim,
    const struct sigv4_request *req, const char *date, int64_t now, struct error *err)
{
	char expected[SIGV4_SIGNATURE];

	if (strcmp(claim->access, signer->access) != 0)
		return error_slug(err, ERR_FORBIDDEN, "InvalidAccessKeyId",
		    "The access key is unknown.");
	if (strcmp(claim->region, signer->region) != 0 ||
	    strcmp(claim->service, signer->service) != 0)
		return error_slug(err, ERR_MALFORMED, "AuthorizationHeaderMalformed",
		    "The signature must be for region '%s' and service '%s'.", signer->region,
		    signer->service);
	if (!check_time(claim, date, now, err))
		return false;
	sigv4_signature(signer, arena, req, date, expected);
	if (!secure_equal(expected, claim->signature, SIGV4_SIGNATURE - 1))
		return error_slug(err, ERR_FORBIDDEN, "SignatureDoesNotMatch",
		    "The signature does not match. Check the secret key and the signed parts of"
		    " the request.");
	return true;
}
