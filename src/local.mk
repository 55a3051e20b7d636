include src/core/local.mk
include src/http/local.mk
include src/store/local.mk
include src/client/local.mk
include src/service/local.mk
include src/media/local.mk
include src/objectstore/local.mk
include src/bin/local.mk
