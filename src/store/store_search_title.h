/* Titles by their beginning, for the files that search: SQL texts. */
#ifndef MN_STORE_STORE_SEARCH_TITLE_H
#define MN_STORE_STORE_SEARCH_TITLE_H

/*
 * media m whose title_key begins with `key`, an SQL expression that is known at run time only: a
 * range, because LIKE finds its index by a constant pattern. title_key has the C collation, where
 * nothing that begins with the key is past its last extension.
 */
#define STARTS_WITH(key) "m.title_key >= " key " AND m.title_key < " key " || chr(1114111)"

#endif
