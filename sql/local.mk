sqldir = $(pkgdatadir)/sql
dist_sql_DATA = sql/roles.sql
dist_sql_DATA += sql/0001-create-foundations.sql
dist_sql_DATA += sql/0002-add-search.sql
dist_sql_DATA += sql/0003-discard-replaced-blobs.sql
dist_sql_DATA += sql/0004-widen-search.sql
dist_sql_DATA += sql/0005-add-accounts.sql
dist_sql_DATA += sql/0006-keep-uploads-of-deleted-people.sql
