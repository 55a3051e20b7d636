#include "store/scripts.h"

#include "store/lua_scripts.h"

#include "core/banned.h"

struct redis_script script_guard = { .name = "guard", .source = guard_lua };
struct redis_script script_reload = { .name = "reload", .source = reload_lua };
struct redis_script script_generation = { .name = "generation", .source = generation_lua };
struct redis_script script_cache = { .name = "cache", .source = cache_lua };
struct redis_script script_token_recall = { .name = "token_recall", .source = token_recall_lua };
struct redis_script script_token_keep = { .name = "token_keep", .source = token_keep_lua };
