#include "store/scripts.h"

#include "store/lua_scripts.h"

#include "core/banned.h"

struct redis_script script_guard = { .name = "guard", .source = guard_lua };
struct redis_script script_reload = { .name = "reload", .source = reload_lua };
struct redis_script script_generation = { .name = "generation", .source = generation_lua };
struct redis_script script_cache = { .name = "cache", .source = cache_lua };
