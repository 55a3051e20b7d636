/* The Lua scripts, compiled in from *.lua beside this file. */
#ifndef MN_STORE_SCRIPTS_H
#define MN_STORE_SCRIPTS_H

#include "store/redis.h"

extern struct redis_script script_guard, script_reload, script_generation, script_cache,
    script_token_recall, script_token_keep;

#endif
