/*
 * All inputs as one JSON document (medianest-fcgi --inputs): each route with the JSON Schema of its
 * path parameters, query and body, the closed sets of words, and the limits that other places
 * repeat. The tests compare web/openapi.json, sql/, nginx/ and the page with it.
 */
#ifndef MN_BIN_INPUTS_H
#define MN_BIN_INPUTS_H

#include <stdio.h>

void inputs_print(FILE *);

#endif
