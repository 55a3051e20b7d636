/* A line of the audit log as a sentence for people. */
#ifndef MN_SERVICE_OPERATOR_AUDIT_WORDS_H
#define MN_SERVICE_OPERATOR_AUDIT_WORDS_H

struct arena;
struct audit_row;

/* "Ada invited ben@example.org as admin." Belongs to the arena. */
const char *audit_summary(struct arena *, const struct audit_row *);

#endif
