/*
 * What `doctor --tell` does with findings, for a host without a mail agent: a line at warning in
 * the journal each, and an alert each (rule `doctor`, subject the code), which ends when the fault
 * is gone.
 */
#ifndef MN_SERVICE_OPERATOR_DOCTOR_TELL_H
#define MN_SERVICE_OPERATOR_DOCTOR_TELL_H

#include <stdbool.h>

struct doctor;
struct error;

/* Without a database the journal has them; that is no failure of its own. */
bool doctor_tell(const struct doctor *, struct error *);

#endif
