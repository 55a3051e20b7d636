sqldir = $(pkgdatadir)/sql
dist_sql_DATA = sql/roles.sql sql/0001-create-foundations.sql sql/0010-discard-replaced-blobs.sql
dist_sql_DATA = sql/roles.sql sql/0001-create-foundations.sql sql/0002-add-search.sql
