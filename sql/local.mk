sqldir = $(pkgdatadir)/sql
dist_sql_DATA = sql/roles.sql sql/0001-create-foundations.sql
