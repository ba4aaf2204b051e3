-- System views over the other system relations. A view begins with "@ schema.name"; after a colon the columns that its query yields,
-- in order (none: all columns of the view). What a view has besides is NULL. Values are cast to the view's column types.
-- %type(t, m)% stands for the facts of a type with its modifier: see views.rs.
-- The columns are those of PostgreSQL's manual, chapters 53 (pg_catalog), 27 (statistics) and 35 (information_schema).

@ pg_catalog.pg_roles
SELECT r.rolname, r.rolsuper, r.rolinherit, r.rolcreaterole, r.rolcreatedb, r.rolcanlogin, r.rolreplication, r.rolconnlimit,
       '********', r.rolvaliduntil, r.rolbypassrls, s.setconfig, r.oid
FROM pg_catalog.pg_authid r LEFT JOIN pg_catalog.pg_db_role_setting s ON s.setrole = r.oid AND s.setdatabase = 0

@ pg_catalog.pg_shadow
SELECT r.rolname, r.oid, r.rolcreatedb, r.rolsuper, r.rolreplication, r.rolbypassrls, r.rolpassword, r.rolvaliduntil, s.setconfig
FROM pg_catalog.pg_authid r LEFT JOIN pg_catalog.pg_db_role_setting s ON s.setrole = r.oid AND s.setdatabase = 0
WHERE r.rolcanlogin

@ pg_catalog.pg_user
SELECT u.usename, u.usesysid, u.usecreatedb, u.usesuper, u.userepl, u.usebypassrls, '********', u.valuntil, u.useconfig
FROM pg_catalog.pg_shadow u

@ pg_catalog.pg_group
SELECT r.rolname, r.oid, ARRAY(SELECT m.member FROM pg_catalog.pg_auth_members m WHERE m.roleid = r.oid)
FROM pg_catalog.pg_authid r WHERE NOT r.rolcanlogin

@ pg_catalog.pg_tables
SELECT n.nspname, c.relname, pg_get_userbyid(c.relowner), t.spcname, c.relhasindex, c.relhasrules, c.relhastriggers, c.relrowsecurity
FROM pg_catalog.pg_class c
     LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     LEFT JOIN pg_catalog.pg_tablespace t ON t.oid = c.reltablespace
WHERE c.relkind IN ('r', 'p')

@ pg_catalog.pg_views
SELECT n.nspname, c.relname, pg_get_userbyid(c.relowner), pg_get_viewdef(c.oid)
FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'v'

@ pg_catalog.pg_matviews
SELECT n.nspname, c.relname, pg_get_userbyid(c.relowner), t.spcname, c.relhasindex, c.relispopulated, pg_get_viewdef(c.oid)
FROM pg_catalog.pg_class c
     LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     LEFT JOIN pg_catalog.pg_tablespace t ON t.oid = c.reltablespace
WHERE c.relkind = 'm'

@ pg_catalog.pg_indexes
SELECT n.nspname, c.relname, i.relname, t.spcname, pg_get_indexdef(i.oid)
FROM pg_catalog.pg_index x
     JOIN pg_catalog.pg_class c ON c.oid = x.indrelid
     JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
     LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     LEFT JOIN pg_catalog.pg_tablespace t ON t.oid = i.reltablespace
WHERE c.relkind IN ('r', 'm', 'p') AND i.relkind IN ('i', 'I')

@ pg_catalog.pg_policies
SELECT n.nspname, c.relname, pol.polname, CASE WHEN pol.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
       CASE WHEN pol.polroles = '{0}' THEN string_to_array('public', '')
            ELSE ARRAY(SELECT rolname FROM pg_catalog.pg_authid WHERE oid = ANY (pol.polroles) ORDER BY 1) END,
       CASE pol.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' WHEN '*' THEN 'ALL' END,
       pg_get_expr(pol.polqual, pol.polrelid), pg_get_expr(pol.polwithcheck, pol.polrelid)
FROM pg_catalog.pg_policy pol
     JOIN pg_catalog.pg_class c ON c.oid = pol.polrelid
     LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace

@ pg_catalog.pg_sequences
SELECT n.nspname, c.relname, pg_get_userbyid(c.relowner), s.seqtypid::regtype, s.seqstart, s.seqmin, s.seqmax, s.seqincrement,
       s.seqcycle, s.seqcache, pg_sequence_last_value(c.oid)
FROM pg_catalog.pg_sequence s
     JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid
     LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE NOT pg_is_other_temp_schema(n.oid) AND c.relkind = 'S'

@ pg_catalog.pg_stat_all_tables
SELECT c.oid, n.nspname, c.relname,
       pg_stat_get_numscans(c.oid), pg_stat_get_lastscan(c.oid), pg_stat_get_tuples_returned(c.oid),
       (SELECT sum(pg_stat_get_numscans(i.indexrelid))::bigint FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid),
       (SELECT max(pg_stat_get_lastscan(i.indexrelid)) FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid),
       (SELECT sum(pg_stat_get_tuples_fetched(i.indexrelid))::bigint FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid)
           + pg_stat_get_tuples_fetched(c.oid),
       pg_stat_get_tuples_inserted(c.oid), pg_stat_get_tuples_updated(c.oid), pg_stat_get_tuples_deleted(c.oid),
       pg_stat_get_tuples_hot_updated(c.oid), pg_stat_get_tuples_newpage_updated(c.oid),
       pg_stat_get_live_tuples(c.oid), pg_stat_get_dead_tuples(c.oid), pg_stat_get_mod_since_analyze(c.oid),
       pg_stat_get_ins_since_vacuum(c.oid), pg_stat_get_last_vacuum_time(c.oid), pg_stat_get_last_autovacuum_time(c.oid),
       pg_stat_get_last_analyze_time(c.oid), pg_stat_get_last_autoanalyze_time(c.oid), pg_stat_get_vacuum_count(c.oid),
       pg_stat_get_autovacuum_count(c.oid), pg_stat_get_analyze_count(c.oid), pg_stat_get_autoanalyze_count(c.oid),
       pg_stat_get_total_vacuum_time(c.oid), pg_stat_get_total_autovacuum_time(c.oid), pg_stat_get_total_analyze_time(c.oid),
       pg_stat_get_total_autoanalyze_time(c.oid)
FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 't', 'm', 'p')

@ pg_catalog.pg_stat_user_tables
SELECT * FROM pg_catalog.pg_stat_all_tables s
WHERE s.schemaname NOT IN ('pg_catalog', 'information_schema') AND s.schemaname::text !~ '^pg_toast'

@ pg_catalog.pg_stat_sys_tables
SELECT * FROM pg_catalog.pg_stat_all_tables s
WHERE s.schemaname IN ('pg_catalog', 'information_schema') OR s.schemaname::text ~ '^pg_toast'

@ pg_catalog.pg_stat_xact_all_tables
SELECT c.oid, n.nspname, c.relname, pg_stat_get_xact_numscans(c.oid), pg_stat_get_xact_tuples_returned(c.oid),
       (SELECT sum(pg_stat_get_xact_numscans(i.indexrelid))::bigint FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid),
       (SELECT sum(pg_stat_get_xact_tuples_fetched(i.indexrelid))::bigint FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid)
           + pg_stat_get_xact_tuples_fetched(c.oid),
       pg_stat_get_xact_tuples_inserted(c.oid), pg_stat_get_xact_tuples_updated(c.oid), pg_stat_get_xact_tuples_deleted(c.oid),
       pg_stat_get_xact_tuples_hot_updated(c.oid), pg_stat_get_xact_tuples_newpage_updated(c.oid)
FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 't', 'm', 'p')

@ pg_catalog.pg_stat_xact_user_tables
SELECT * FROM pg_catalog.pg_stat_xact_all_tables s
WHERE s.schemaname NOT IN ('pg_catalog', 'information_schema') AND s.schemaname::text !~ '^pg_toast'

@ pg_catalog.pg_stat_xact_sys_tables
SELECT * FROM pg_catalog.pg_stat_xact_all_tables s
WHERE s.schemaname IN ('pg_catalog', 'information_schema') OR s.schemaname::text ~ '^pg_toast'

@ pg_catalog.pg_stat_all_indexes
SELECT c.oid, i.oid, n.nspname, c.relname, i.relname, pg_stat_get_numscans(i.oid), pg_stat_get_lastscan(i.oid),
       pg_stat_get_tuples_returned(i.oid), pg_stat_get_tuples_fetched(i.oid)
FROM pg_catalog.pg_class c
     JOIN pg_catalog.pg_index x ON c.oid = x.indrelid
     JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
     LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 't', 'm')

@ pg_catalog.pg_stat_user_indexes
SELECT * FROM pg_catalog.pg_stat_all_indexes s
WHERE s.schemaname NOT IN ('pg_catalog', 'information_schema') AND s.schemaname::text !~ '^pg_toast'

@ pg_catalog.pg_stat_sys_indexes
SELECT * FROM pg_catalog.pg_stat_all_indexes s
WHERE s.schemaname IN ('pg_catalog', 'information_schema') OR s.schemaname::text ~ '^pg_toast'

@ pg_catalog.pg_statio_all_tables: relid schemaname relname heap_blks_read heap_blks_hit idx_blks_read idx_blks_hit
SELECT c.oid, n.nspname, c.relname,
       pg_stat_get_blocks_fetched(c.oid) - pg_stat_get_blocks_hit(c.oid), pg_stat_get_blocks_hit(c.oid),
       (SELECT sum(pg_stat_get_blocks_fetched(i.indexrelid) - pg_stat_get_blocks_hit(i.indexrelid))::bigint
        FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid),
       (SELECT sum(pg_stat_get_blocks_hit(i.indexrelid))::bigint FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid)
FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 't', 'm')

@ pg_catalog.pg_statio_user_tables
SELECT * FROM pg_catalog.pg_statio_all_tables s
WHERE s.schemaname NOT IN ('pg_catalog', 'information_schema') AND s.schemaname::text !~ '^pg_toast'

@ pg_catalog.pg_statio_sys_tables
SELECT * FROM pg_catalog.pg_statio_all_tables s
WHERE s.schemaname IN ('pg_catalog', 'information_schema') OR s.schemaname::text ~ '^pg_toast'

@ pg_catalog.pg_statio_all_indexes
SELECT c.oid, i.oid, n.nspname, c.relname, i.relname,
       pg_stat_get_blocks_fetched(i.oid) - pg_stat_get_blocks_hit(i.oid), pg_stat_get_blocks_hit(i.oid)
FROM pg_catalog.pg_class c
     JOIN pg_catalog.pg_index x ON c.oid = x.indrelid
     JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
     LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 't', 'm')

@ pg_catalog.pg_statio_user_indexes
SELECT * FROM pg_catalog.pg_statio_all_indexes s
WHERE s.schemaname NOT IN ('pg_catalog', 'information_schema') AND s.schemaname::text !~ '^pg_toast'

@ pg_catalog.pg_statio_sys_indexes
SELECT * FROM pg_catalog.pg_statio_all_indexes s
WHERE s.schemaname IN ('pg_catalog', 'information_schema') OR s.schemaname::text ~ '^pg_toast'

@ pg_catalog.pg_statio_all_sequences
SELECT c.oid, n.nspname, c.relname, pg_stat_get_blocks_fetched(c.oid) - pg_stat_get_blocks_hit(c.oid), pg_stat_get_blocks_hit(c.oid)
FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'S'

@ pg_catalog.pg_statio_user_sequences
SELECT * FROM pg_catalog.pg_statio_all_sequences s
WHERE s.schemaname NOT IN ('pg_catalog', 'information_schema') AND s.schemaname::text !~ '^pg_toast'

@ pg_catalog.pg_statio_sys_sequences
SELECT * FROM pg_catalog.pg_statio_all_sequences s
WHERE s.schemaname IN ('pg_catalog', 'information_schema') OR s.schemaname::text ~ '^pg_toast'

@ pg_catalog.pg_stat_database_conflicts
SELECT d.oid, d.datname, 0, 0, 0, 0, 0, 0 FROM pg_catalog.pg_database d

@ pg_catalog.pg_stat_gssapi: pid gss_authenticated encrypted credentials_delegated
SELECT a.pid, false, false, false FROM pg_catalog.pg_stat_activity a WHERE a.client_port IS NOT NULL

@ information_schema.information_schema_catalog_name
SELECT current_database()

@ information_schema.schemata: catalog_name schema_name schema_owner
SELECT current_database(), n.nspname, pg_get_userbyid(n.nspowner)
FROM pg_catalog.pg_namespace n
WHERE pg_has_role(n.nspowner, 'USAGE') OR has_schema_privilege(n.oid, 'CREATE, USAGE')

@ information_schema.tables: table_catalog table_schema table_name table_type is_insertable_into is_typed commit_action
SELECT current_database(), n.nspname, c.relname,
       CASE WHEN n.oid = pg_my_temp_schema() THEN 'LOCAL TEMPORARY'
            WHEN c.relkind IN ('r', 'p') THEN 'BASE TABLE'
            WHEN c.relkind = 'v' THEN 'VIEW'
            WHEN c.relkind = 'f' THEN 'FOREIGN' END,
       CASE WHEN c.relkind IN ('r', 'p') OR (c.relkind IN ('v', 'f') AND (pg_relation_is_updatable(c.oid, false) & 8) = 8)
            THEN 'YES' ELSE 'NO' END,
       'NO', NULL
FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_class c ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'v', 'f', 'p') AND NOT pg_is_other_temp_schema(n.oid)
  AND (pg_has_role(c.relowner, 'USAGE')
       OR has_table_privilege(c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
       OR has_any_column_privilege(c.oid, 'SELECT, INSERT, UPDATE, REFERENCES'))

@ information_schema.columns: table_catalog table_schema table_name column_name ordinal_position column_default is_nullable data_type character_maximum_length character_octet_length numeric_precision numeric_precision_radix numeric_scale datetime_precision interval_type collation_catalog collation_schema collation_name domain_catalog domain_schema domain_name udt_catalog udt_schema udt_name dtd_identifier is_self_referencing is_identity identity_generation identity_start identity_increment identity_maximum identity_minimum identity_cycle is_generated generation_expression is_updatable
SELECT current_database(), nc.nspname, c.relname, a.attname, a.attnum,
       CASE WHEN a.attgenerated = '' THEN pg_get_expr(ad.adbin, ad.adrelid) END,
       CASE WHEN a.attnotnull THEN 'NO' ELSE 'YES' END,
       CASE WHEN coalesce(bt.typelem, t.typelem) <> 0 AND coalesce(bt.typlen, t.typlen) = -1 THEN 'ARRAY'
            WHEN coalesce(nbt.nspname, nt.nspname) = 'pg_catalog' THEN format_type(coalesce(bt.oid, t.oid), NULL)
            ELSE 'USER-DEFINED' END,
       %type(CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE a.atttypid END, CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END)%,
       CASE WHEN nco.nspname IS NOT NULL THEN current_database() END, nco.nspname, co.collname,
       CASE WHEN t.typtype = 'd' THEN current_database() END, CASE WHEN t.typtype = 'd' THEN nt.nspname END,
       CASE WHEN t.typtype = 'd' THEN t.typname END,
       current_database(), coalesce(nbt.nspname, nt.nspname), coalesce(bt.typname, t.typname), a.attnum::text, 'NO',
       CASE WHEN a.attidentity IN ('a', 'd') THEN 'YES' ELSE 'NO' END,
       CASE a.attidentity WHEN 'a' THEN 'ALWAYS' WHEN 'd' THEN 'BY DEFAULT' END,
       s.seqstart, s.seqincrement, s.seqmax, s.seqmin,
       CASE WHEN s.seqcycle THEN 'YES' ELSE 'NO' END,
       CASE WHEN a.attgenerated <> '' THEN 'ALWAYS' ELSE 'NEVER' END,
       CASE WHEN a.attgenerated <> '' THEN pg_get_expr(ad.adbin, ad.adrelid) END,
       CASE WHEN c.relkind IN ('r', 'p') OR (c.relkind IN ('v', 'f') AND pg_column_is_updatable(c.oid, a.attnum, false))
            THEN 'YES' ELSE 'NO' END
FROM pg_catalog.pg_attribute a
     JOIN pg_catalog.pg_class c ON a.attrelid = c.oid
     JOIN pg_catalog.pg_namespace nc ON c.relnamespace = nc.oid
     JOIN pg_catalog.pg_type t ON a.atttypid = t.oid
     JOIN pg_catalog.pg_namespace nt ON t.typnamespace = nt.oid
     LEFT JOIN (pg_catalog.pg_type bt JOIN pg_catalog.pg_namespace nbt ON bt.typnamespace = nbt.oid)
          ON t.typtype = 'd' AND t.typbasetype = bt.oid
     LEFT JOIN pg_catalog.pg_attrdef ad ON a.attrelid = ad.adrelid AND a.attnum = ad.adnum
     LEFT JOIN (pg_catalog.pg_collation co JOIN pg_catalog.pg_namespace nco ON co.collnamespace = nco.oid)
          ON a.attcollation = co.oid AND (nco.nspname <> 'pg_catalog' OR co.collname <> 'default')
     LEFT JOIN (pg_catalog.pg_depend dep JOIN pg_catalog.pg_sequence s ON dep.classid = 1259 AND dep.objid = s.seqrelid AND dep.deptype = 'i')
          ON dep.refclassid = 1259 AND dep.refobjid = c.oid AND dep.refobjsubid = a.attnum
WHERE NOT pg_is_other_temp_schema(nc.oid) AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'v', 'f', 'p')
  AND (pg_has_role(c.relowner, 'USAGE') OR has_column_privilege(c.oid, a.attnum, 'SELECT, INSERT, UPDATE, REFERENCES'))

@ information_schema.views: table_catalog table_schema table_name view_definition check_option is_updatable is_insertable_into is_trigger_updatable is_trigger_deletable is_trigger_insertable_into
SELECT current_database(), n.nspname, c.relname,
       CASE WHEN pg_has_role(c.relowner, 'USAGE') THEN pg_get_viewdef(c.oid) END,
       CASE WHEN 'check_option=cascaded' = ANY (c.reloptions) THEN 'CASCADED'
            WHEN 'check_option=local' = ANY (c.reloptions) THEN 'LOCAL' ELSE 'NONE' END,
       CASE WHEN (pg_relation_is_updatable(c.oid, false) & 20) = 20 THEN 'YES' ELSE 'NO' END,
       CASE WHEN (pg_relation_is_updatable(c.oid, false) & 8) = 8 THEN 'YES' ELSE 'NO' END,
       'NO', 'NO', 'NO'
FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_class c ON n.oid = c.relnamespace
WHERE c.relkind = 'v' AND NOT pg_is_other_temp_schema(n.oid)
  AND (pg_has_role(c.relowner, 'USAGE')
       OR has_table_privilege(c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
       OR has_any_column_privilege(c.oid, 'SELECT, INSERT, UPDATE, REFERENCES'))

@ information_schema.view_table_usage
SELECT DISTINCT current_database(), nv.nspname, v.relname, current_database(), nt.nspname, t.relname
FROM pg_catalog.pg_class v
     JOIN pg_catalog.pg_namespace nv ON nv.oid = v.relnamespace
     JOIN pg_catalog.pg_depend d ON d.classid = 2618 AND d.objid = v.oid AND d.refclassid = 1259 AND d.deptype = 'n'
     JOIN pg_catalog.pg_class t ON t.oid = d.refobjid
     JOIN pg_catalog.pg_namespace nt ON nt.oid = t.relnamespace
WHERE v.relkind = 'v' AND t.oid <> v.oid AND t.relkind IN ('r', 'v', 'f', 'p') AND pg_has_role(t.relowner, 'USAGE')

@ information_schema.view_column_usage
SELECT DISTINCT current_database(), nv.nspname, v.relname, current_database(), nt.nspname, t.relname, a.attname
FROM pg_catalog.pg_class v
     JOIN pg_catalog.pg_namespace nv ON nv.oid = v.relnamespace
     JOIN pg_catalog.pg_depend d ON d.classid = 2618 AND d.objid = v.oid AND d.refclassid = 1259 AND d.deptype = 'n'
     JOIN pg_catalog.pg_class t ON t.oid = d.refobjid
     JOIN pg_catalog.pg_namespace nt ON nt.oid = t.relnamespace
     JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
WHERE v.relkind = 'v' AND t.oid <> v.oid AND t.relkind IN ('r', 'v', 'f', 'p') AND pg_has_role(t.relowner, 'USAGE')

@ information_schema.table_constraints: constraint_catalog constraint_schema constraint_name table_catalog table_schema table_name constraint_type is_deferrable initially_deferred enforced nulls_distinct
SELECT current_database(), nc.nspname, k.conname, current_database(), n.nspname, c.relname,
       CASE k.contype WHEN 'c' THEN 'CHECK' WHEN 'f' THEN 'FOREIGN KEY' WHEN 'p' THEN 'PRIMARY KEY' WHEN 'u' THEN 'UNIQUE'
                      WHEN 'n' THEN 'CHECK' END,
       CASE WHEN k.condeferrable THEN 'YES' ELSE 'NO' END, CASE WHEN k.condeferred THEN 'YES' ELSE 'NO' END,
       CASE WHEN k.conenforced THEN 'YES' ELSE 'NO' END,
       CASE WHEN k.contype = 'u' THEN (SELECT CASE WHEN i.indnullsnotdistinct THEN 'NO' ELSE 'YES' END
                                       FROM pg_catalog.pg_index i WHERE i.indexrelid = k.conindid) END
FROM pg_catalog.pg_constraint k
     JOIN pg_catalog.pg_namespace nc ON nc.oid = k.connamespace
     JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
     JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype NOT IN ('t', 'x') AND c.relkind IN ('r', 'p') AND NOT pg_is_other_temp_schema(n.oid)
  AND (pg_has_role(c.relowner, 'USAGE')
       OR has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
       OR has_any_column_privilege(c.oid, 'INSERT, UPDATE, REFERENCES'))

@ information_schema.check_constraints
SELECT current_database(), n.nspname, k.conname,
       CASE WHEN k.contype = 'n' THEN format('%s IS NOT NULL', coalesce(a.attname, 'VALUE'))
            WHEN k.contypid <> 0 THEN substring(pg_get_constraintdef(k.oid) FROM '^CHECK \((.*)\)(?: NOT VALID)?$')
            ELSE pg_get_expr(k.conbin, k.conrelid) END
FROM pg_catalog.pg_constraint k
     JOIN pg_catalog.pg_namespace n ON n.oid = k.connamespace
     LEFT JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
     LEFT JOIN pg_catalog.pg_type t ON t.oid = k.contypid
     LEFT JOIN pg_catalog.pg_attribute a ON k.contype = 'n' AND a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
WHERE k.contype IN ('c', 'n') AND pg_has_role(coalesce(c.relowner, t.typowner), 'USAGE')

@ information_schema.key_column_usage
SELECT current_database(), nc.nspname, k.conname, current_database(), n.nspname, c.relname, a.attname, p.n,
       CASE WHEN k.contype = 'f' THEN
            (SELECT q.n FROM pg_catalog.pg_index i, generate_subscripts(i.indkey, 1) AS g(s),
                    LATERAL (SELECT g.s + 1) AS q(n) WHERE i.indexrelid = k.conindid AND i.indkey[g.s] = k.confkey[p.n]) END
FROM pg_catalog.pg_constraint k
     JOIN pg_catalog.pg_namespace nc ON nc.oid = k.connamespace
     JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
     JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     CROSS JOIN LATERAL unnest(k.conkey) WITH ORDINALITY AS p(attnum, n)
     JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = p.attnum
WHERE k.contype IN ('p', 'u', 'f') AND c.relkind IN ('r', 'p') AND NOT pg_is_other_temp_schema(n.oid)
  AND (pg_has_role(c.relowner, 'USAGE') OR has_column_privilege(c.oid, a.attnum, 'SELECT, INSERT, UPDATE, REFERENCES'))

@ information_schema.constraint_column_usage
SELECT current_database(), n.nspname, c.relname, a.attname, current_database(), nc.nspname, k.conname
FROM pg_catalog.pg_constraint k
     JOIN pg_catalog.pg_namespace nc ON nc.oid = k.connamespace
     JOIN pg_catalog.pg_class c ON c.oid = CASE WHEN k.contype = 'f' THEN k.confrelid ELSE k.conrelid END
     JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     CROSS JOIN LATERAL unnest(CASE WHEN k.contype = 'f' THEN k.confkey ELSE k.conkey END) AS p(attnum)
     JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = p.attnum
WHERE k.contype IN ('p', 'u', 'f', 'c', 'n') AND c.relkind IN ('r', 'p') AND pg_has_role(c.relowner, 'USAGE')

@ information_schema.constraint_table_usage
SELECT current_database(), n.nspname, c.relname, current_database(), nc.nspname, k.conname
FROM pg_catalog.pg_constraint k
     JOIN pg_catalog.pg_namespace nc ON nc.oid = k.connamespace
     JOIN pg_catalog.pg_class c ON c.oid = CASE WHEN k.contype = 'f' THEN k.confrelid ELSE k.conrelid END
     JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype IN ('p', 'u', 'f') AND c.relkind IN ('r', 'p') AND pg_has_role(c.relowner, 'USAGE')

@ information_schema.referential_constraints
SELECT current_database(), nc.nspname, k.conname,
       CASE WHEN nu.nspname IS NOT NULL THEN current_database() END, nu.nspname, u.conname,
       CASE k.confmatchtype WHEN 'f' THEN 'FULL' WHEN 'p' THEN 'PARTIAL' WHEN 's' THEN 'NONE' END,
       CASE k.confupdtype WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL' WHEN 'd' THEN 'SET DEFAULT' WHEN 'r' THEN 'RESTRICT'
                          WHEN 'a' THEN 'NO ACTION' END,
       CASE k.confdeltype WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL' WHEN 'd' THEN 'SET DEFAULT' WHEN 'r' THEN 'RESTRICT'
                          WHEN 'a' THEN 'NO ACTION' END
FROM pg_catalog.pg_constraint k
     JOIN pg_catalog.pg_namespace nc ON nc.oid = k.connamespace
     JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
     LEFT JOIN pg_catalog.pg_constraint u ON u.conindid = k.conindid AND u.contype IN ('p', 'u')
     LEFT JOIN pg_catalog.pg_namespace nu ON nu.oid = u.connamespace
WHERE k.contype = 'f'
  AND (pg_has_role(c.relowner, 'USAGE')
       OR has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
       OR has_any_column_privilege(c.oid, 'INSERT, UPDATE, REFERENCES'))

@ information_schema.sequences
SELECT current_database(), n.nspname, c.relname, format_type(s.seqtypid, NULL),
       CASE s.seqtypid WHEN 21 THEN 16 WHEN 23 THEN 32 WHEN 20 THEN 64 END, 2, 0,
       s.seqstart::text, s.seqmin::text, s.seqmax::text, s.seqincrement::text, CASE WHEN s.seqcycle THEN 'YES' ELSE 'NO' END
FROM pg_catalog.pg_namespace n
     JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid
     JOIN pg_catalog.pg_sequence s ON s.seqrelid = c.oid
WHERE c.relkind = 'S' AND NOT pg_is_other_temp_schema(n.oid)
  AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend d WHERE d.classid = 1259 AND d.objid = c.oid AND d.deptype = 'i')
  AND (pg_has_role(c.relowner, 'USAGE') OR has_sequence_privilege(c.oid, 'SELECT, UPDATE, USAGE'))

@ information_schema.character_sets: character_set_name character_repertoire form_of_use default_collate_catalog default_collate_schema default_collate_name
SELECT getdatabaseencoding(), 'UCS', getdatabaseencoding(), current_database(), NULL, NULL

@ information_schema.collations
SELECT current_database(), n.nspname, c.collname, 'NO PAD'
FROM pg_catalog.pg_collation c JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace
WHERE c.collencoding IN (-1, 6)

@ information_schema.collation_character_set_applicability: collation_catalog collation_schema collation_name character_set_name
SELECT current_database(), n.nspname, c.collname, getdatabaseencoding()
FROM pg_catalog.pg_collation c JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace
WHERE c.collencoding IN (-1, 6)

@ information_schema.enabled_roles
SELECT r.rolname FROM pg_catalog.pg_authid r WHERE pg_has_role(r.oid, 'USAGE')

@ information_schema.applicable_roles
SELECT m.rolname, r.rolname, CASE WHEN x.admin_option THEN 'YES' ELSE 'NO' END
FROM pg_catalog.pg_auth_members x
     JOIN pg_catalog.pg_authid r ON r.oid = x.roleid
     JOIN pg_catalog.pg_authid m ON m.oid = x.member
WHERE pg_has_role(m.oid, 'USAGE')

@ information_schema.administrable_role_authorizations
SELECT * FROM information_schema.applicable_roles a WHERE a.is_grantable = 'YES'

@ information_schema.table_privileges
SELECT g.rolname, COALESCE(e.rolname, 'PUBLIC'), current_database(), n.nspname, c.relname, x.privilege_type,
       CASE WHEN x.is_grantable OR pg_has_role(x.grantee, c.relowner, 'USAGE') THEN 'YES' ELSE 'NO' END,
       CASE WHEN x.privilege_type = 'SELECT' THEN 'YES' ELSE 'NO' END
FROM pg_catalog.pg_class c
     JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     CROSS JOIN LATERAL aclexplode(COALESCE(c.relacl, acldefault('r', c.relowner))) AS x
     JOIN pg_catalog.pg_authid g ON g.oid = x.grantor
     LEFT JOIN pg_catalog.pg_authid e ON e.oid = x.grantee
WHERE c.relkind IN ('r', 'v', 'f', 'p')
  AND x.privilege_type IN ('INSERT', 'SELECT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER')
  AND (x.grantee = 0 OR e.oid IS NOT NULL)
  AND (pg_has_role(g.oid, 'USAGE') OR x.grantee = 0 OR pg_has_role(x.grantee, 'USAGE'))

@ information_schema.role_table_grants
SELECT * FROM information_schema.table_privileges p
WHERE p.grantor IN (SELECT r.role_name FROM information_schema.enabled_roles r)
   OR p.grantee IN (SELECT r.role_name FROM information_schema.enabled_roles r)

@ information_schema.column_privileges
SELECT DISTINCT g.rolname, COALESCE(e.rolname, 'PUBLIC'), current_database(), n.nspname, x.relname, x.attname, x.privilege_type,
       CASE WHEN x.is_grantable OR pg_has_role(x.grantee, x.relowner, 'USAGE') THEN 'YES' ELSE 'NO' END
FROM (SELECT c.relname, c.relnamespace, c.relowner, a.attname, p.grantor, p.grantee, p.privilege_type, p.is_grantable
      FROM pg_catalog.pg_class c
           JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
           CROSS JOIN LATERAL aclexplode(COALESCE(c.relacl, acldefault('r', c.relowner))) AS p
      WHERE c.relkind IN ('r', 'v', 'f', 'p')
      UNION
      SELECT c.relname, c.relnamespace, c.relowner, a.attname, p.grantor, p.grantee, p.privilege_type, p.is_grantable
      FROM pg_catalog.pg_class c
           JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
           CROSS JOIN LATERAL aclexplode(COALESCE(a.attacl, acldefault('c', c.relowner))) AS p
      WHERE c.relkind IN ('r', 'v', 'f', 'p')) AS x
     JOIN pg_catalog.pg_namespace n ON n.oid = x.relnamespace
     JOIN pg_catalog.pg_authid g ON g.oid = x.grantor
     LEFT JOIN pg_catalog.pg_authid e ON e.oid = x.grantee
WHERE x.privilege_type IN ('INSERT', 'SELECT', 'UPDATE', 'REFERENCES') AND (x.grantee = 0 OR e.oid IS NOT NULL)
  AND (pg_has_role(g.oid, 'USAGE') OR x.grantee = 0 OR pg_has_role(x.grantee, 'USAGE'))

@ information_schema.role_column_grants
SELECT * FROM information_schema.column_privileges p
WHERE p.grantor IN (SELECT r.role_name FROM information_schema.enabled_roles r)
   OR p.grantee IN (SELECT r.role_name FROM information_schema.enabled_roles r)

@ information_schema.usage_privileges
SELECT g.rolname, COALESCE(e.rolname, 'PUBLIC'), current_database(), n.nspname, c.relname, 'SEQUENCE', x.privilege_type,
       CASE WHEN x.is_grantable OR pg_has_role(x.grantee, c.relowner, 'USAGE') THEN 'YES' ELSE 'NO' END
FROM pg_catalog.pg_class c
     JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     CROSS JOIN LATERAL aclexplode(COALESCE(c.relacl, acldefault('r', c.relowner))) AS x
     JOIN pg_catalog.pg_authid g ON g.oid = x.grantor
     LEFT JOIN pg_catalog.pg_authid e ON e.oid = x.grantee
WHERE c.relkind = 'S' AND x.privilege_type = 'USAGE' AND (x.grantee = 0 OR e.oid IS NOT NULL)
  AND (pg_has_role(g.oid, 'USAGE') OR x.grantee = 0 OR pg_has_role(x.grantee, 'USAGE'))
UNION ALL
SELECT pg_get_userbyid(co.collowner), 'PUBLIC', current_database(), n.nspname, co.collname, 'COLLATION', 'USAGE', 'NO'
FROM pg_catalog.pg_collation co JOIN pg_catalog.pg_namespace n ON n.oid = co.collnamespace
WHERE co.collencoding IN (-1, 6)

@ information_schema.role_usage_grants
SELECT * FROM information_schema.usage_privileges p
WHERE p.grantor IN (SELECT r.role_name FROM information_schema.enabled_roles r)
   OR p.grantee IN (SELECT r.role_name FROM information_schema.enabled_roles r)

@ information_schema.routines: specific_catalog specific_schema specific_name routine_catalog routine_schema routine_name routine_type data_type type_udt_catalog type_udt_schema type_udt_name dtd_identifier routine_body routine_definition external_name external_language parameter_style is_deterministic sql_data_access is_null_call schema_level_routine max_dynamic_result_sets is_user_defined_cast is_implicitly_invocable security_type as_locator is_udt_dependent
SELECT current_database(), n.nspname, (p.proname::text || '_' || p.oid::text)::name, current_database(), n.nspname, p.proname,
       CASE p.prokind WHEN 'f' THEN 'FUNCTION' WHEN 'p' THEN 'PROCEDURE' END,
       CASE WHEN p.prokind = 'p' THEN NULL WHEN t.typelem <> 0 AND t.typlen = -1 THEN 'ARRAY'
            WHEN nt.nspname = 'pg_catalog' THEN format_type(t.oid, NULL) ELSE 'USER-DEFINED' END,
       CASE WHEN nt.nspname IS NOT NULL THEN current_database() END, nt.nspname, t.typname,
       CASE WHEN p.prokind <> 'p' THEN 0 END::text,
       CASE WHEN l.lanname = 'sql' THEN 'SQL' ELSE 'EXTERNAL' END,
       CASE WHEN pg_has_role(p.proowner, 'USAGE') THEN p.prosrc END,
       CASE WHEN l.lanname = 'c' THEN p.prosrc END, upper(COALESCE(l.lanname, 'c')::text), 'GENERAL',
       CASE WHEN p.provolatile = 'i' THEN 'YES' ELSE 'NO' END, 'MODIFIES',
       CASE WHEN p.prokind <> 'p' THEN CASE WHEN p.proisstrict THEN 'YES' ELSE 'NO' END END, 'YES', 0, 'NO',
       NULL, CASE WHEN p.prosecdef THEN 'DEFINER' ELSE 'INVOKER' END, 'NO', 'NO'
FROM pg_catalog.pg_namespace n
     JOIN pg_catalog.pg_proc p ON n.oid = p.pronamespace
     LEFT JOIN pg_catalog.pg_language l ON p.prolang = l.oid
     LEFT JOIN (pg_catalog.pg_type t JOIN pg_catalog.pg_namespace nt ON t.typnamespace = nt.oid)
          ON p.prorettype = t.oid AND p.prokind <> 'p'
WHERE pg_has_role(p.proowner, 'USAGE') OR has_function_privilege(p.oid, 'EXECUTE')

@ information_schema.parameters: specific_catalog specific_schema specific_name ordinal_position parameter_mode is_result as_locator parameter_name data_type udt_catalog udt_schema udt_name dtd_identifier parameter_default
SELECT current_database(), n.nspname, (p.proname::text || '_' || p.oid::text)::name, x.n,
       CASE COALESCE(p.proargmodes[x.n], 'i') WHEN 'i' THEN 'IN' WHEN 'o' THEN 'OUT' WHEN 'b' THEN 'INOUT' WHEN 'v' THEN 'IN'
            WHEN 't' THEN 'OUT' END,
       'NO', 'NO', NULLIF(p.proargnames[x.n], ''),
       CASE WHEN t.typelem <> 0 AND t.typlen = -1 THEN 'ARRAY' WHEN nt.nspname = 'pg_catalog' THEN format_type(t.oid, NULL)
            ELSE 'USER-DEFINED' END,
       current_database(), nt.nspname, t.typname, x.n::text,
       CASE WHEN pg_has_role(p.proowner, 'USAGE') THEN pg_get_function_arg_default(p.oid, x.n::integer) END
FROM pg_catalog.pg_namespace n
     JOIN pg_catalog.pg_proc p ON n.oid = p.pronamespace
     CROSS JOIN LATERAL unnest(COALESCE(p.proallargtypes, p.proargtypes::oid[])) WITH ORDINALITY AS x(typ, n)
     JOIN pg_catalog.pg_type t ON t.oid = x.typ
     JOIN pg_catalog.pg_namespace nt ON nt.oid = t.typnamespace
WHERE pg_has_role(p.proowner, 'USAGE') OR has_function_privilege(p.oid, 'EXECUTE')

@ information_schema.routine_privileges
SELECT pg_get_userbyid(p.proowner), 'PUBLIC', current_database(), n.nspname, (p.proname::text || '_' || p.oid::text)::name,
       current_database(), n.nspname, p.proname, 'EXECUTE', 'NO'
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE p.proacl IS NULL
UNION ALL
SELECT pg_get_userbyid(p.proowner), pg_get_userbyid(p.proowner), current_database(), n.nspname,
       (p.proname::text || '_' || p.oid::text)::name, current_database(), n.nspname, p.proname, 'EXECUTE', 'YES'
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE pg_has_role(p.proowner, 'USAGE')

@ information_schema.role_routine_grants
SELECT * FROM information_schema.routine_privileges p
WHERE p.grantor IN (SELECT r.role_name FROM information_schema.enabled_roles r)
   OR p.grantee IN (SELECT r.role_name FROM information_schema.enabled_roles r)

@ information_schema.domains: domain_catalog domain_schema domain_name data_type character_maximum_length character_octet_length numeric_precision numeric_precision_radix numeric_scale datetime_precision interval_type domain_default udt_catalog udt_schema udt_name dtd_identifier
SELECT current_database(), n.nspname, t.typname,
       CASE WHEN t.typelem <> 0 AND t.typlen = -1 THEN 'ARRAY' WHEN nb.nspname = 'pg_catalog' THEN format_type(t.typbasetype, NULL)
            ELSE 'USER-DEFINED' END,
       %type(t.typbasetype, t.typtypmod)%, t.typdefault, current_database(), nb.nspname, b.typname, '1'
FROM pg_catalog.pg_type t
     JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
     JOIN pg_catalog.pg_type b ON b.oid = t.typbasetype
     JOIN pg_catalog.pg_namespace nb ON nb.oid = b.typnamespace
WHERE t.typtype = 'd' AND (pg_has_role(t.typowner, 'USAGE') OR has_type_privilege(t.oid, 'USAGE'))

@ information_schema.domain_constraints
SELECT current_database(), nc.nspname, k.conname, current_database(), n.nspname, t.typname,
       CASE WHEN k.condeferrable THEN 'YES' ELSE 'NO' END, CASE WHEN k.condeferred THEN 'YES' ELSE 'NO' END
FROM pg_catalog.pg_constraint k
     JOIN pg_catalog.pg_namespace nc ON nc.oid = k.connamespace
     JOIN pg_catalog.pg_type t ON t.oid = k.contypid
     JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
WHERE pg_has_role(t.typowner, 'USAGE') OR has_type_privilege(t.oid, 'USAGE')

@ information_schema.column_domain_usage
SELECT current_database(), nt.nspname, t.typname, current_database(), nc.nspname, c.relname, a.attname
FROM pg_catalog.pg_type t
     JOIN pg_catalog.pg_namespace nt ON t.typnamespace = nt.oid
     JOIN pg_catalog.pg_attribute a ON a.atttypid = t.oid
     JOIN pg_catalog.pg_class c ON a.attrelid = c.oid
     JOIN pg_catalog.pg_namespace nc ON c.relnamespace = nc.oid
WHERE t.typtype = 'd' AND c.relkind IN ('r', 'v', 'f', 'p') AND a.attnum > 0 AND NOT a.attisdropped AND pg_has_role(t.typowner, 'USAGE')

@ information_schema.domain_udt_usage
SELECT current_database(), nb.nspname, b.typname, current_database(), n.nspname, t.typname
FROM pg_catalog.pg_type t
     JOIN pg_catalog.pg_namespace n ON t.typnamespace = n.oid
     JOIN pg_catalog.pg_type b ON t.typbasetype = b.oid
     JOIN pg_catalog.pg_namespace nb ON b.typnamespace = nb.oid
WHERE t.typtype = 'd' AND pg_has_role(b.typowner, 'USAGE')

@ information_schema.column_udt_usage
SELECT current_database(), coalesce(nbt.nspname, nt.nspname), coalesce(bt.typname, t.typname), current_database(), nc.nspname, c.relname, a.attname
FROM pg_catalog.pg_attribute a
     JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
     JOIN pg_catalog.pg_namespace nc ON nc.oid = c.relnamespace
     JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
     JOIN pg_catalog.pg_namespace nt ON nt.oid = t.typnamespace
     LEFT JOIN (pg_catalog.pg_type bt JOIN pg_catalog.pg_namespace nbt ON bt.typnamespace = nbt.oid)
          ON t.typtype = 'd' AND t.typbasetype = bt.oid
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'v', 'f', 'p') AND pg_has_role(coalesce(bt.typowner, t.typowner), 'USAGE')

@ information_schema.user_defined_types: user_defined_type_catalog user_defined_type_schema user_defined_type_name user_defined_type_category is_instantiable ordering_form ordering_category
SELECT current_database(), n.nspname, c.relname, 'STRUCTURED', 'YES', NULL, NULL
FROM pg_catalog.pg_namespace n
     JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid
WHERE c.relkind = 'c' AND pg_has_role(c.relowner, 'USAGE')

@ information_schema.attributes: udt_catalog udt_schema udt_name attribute_name ordinal_position is_nullable data_type character_maximum_length character_octet_length numeric_precision numeric_precision_radix numeric_scale datetime_precision interval_type attribute_udt_catalog attribute_udt_schema attribute_udt_name dtd_identifier is_derived_reference_attribute
SELECT current_database(), nc.nspname, c.relname, a.attname, a.attnum, CASE WHEN a.attnotnull THEN 'NO' ELSE 'YES' END,
       CASE WHEN t.typelem <> 0 AND t.typlen = -1 THEN 'ARRAY' WHEN nt.nspname = 'pg_catalog' THEN format_type(a.atttypid, NULL)
            ELSE 'USER-DEFINED' END,
       %type(a.atttypid, a.atttypmod)%, current_database(), nt.nspname, t.typname, a.attnum::text, 'NO'
FROM pg_catalog.pg_attribute a
     JOIN pg_catalog.pg_class c ON a.attrelid = c.oid
     JOIN pg_catalog.pg_namespace nc ON c.relnamespace = nc.oid
     JOIN pg_catalog.pg_type t ON a.atttypid = t.oid
     JOIN pg_catalog.pg_namespace nt ON t.typnamespace = nt.oid
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind = 'c' AND pg_has_role(c.relowner, 'USAGE')

@ information_schema.element_types: object_catalog object_schema object_name object_type collection_type_identifier data_type udt_catalog udt_schema udt_name dtd_identifier
SELECT current_database(), nc.nspname, c.relname, 'TABLE', a.attnum::text,
       CASE WHEN nb.nspname = 'pg_catalog' THEN format_type(b.oid, NULL) ELSE 'USER-DEFINED' END,
       current_database(), nb.nspname, b.typname, 'a' || a.attnum::text
FROM pg_catalog.pg_attribute a
     JOIN pg_catalog.pg_class c ON a.attrelid = c.oid
     JOIN pg_catalog.pg_namespace nc ON c.relnamespace = nc.oid
     JOIN pg_catalog.pg_type t ON a.atttypid = t.oid
     JOIN pg_catalog.pg_type b ON t.typelem = b.oid
     JOIN pg_catalog.pg_namespace nb ON b.typnamespace = nb.oid
WHERE a.attnum > 0 AND NOT a.attisdropped AND t.typlen = -1 AND c.relkind IN ('r', 'v', 'f', 'p') AND pg_has_role(c.relowner, 'USAGE')

@ information_schema.data_type_privileges
SELECT current_database(), e.object_schema, e.object_name, 'TABLE', e.dtd_identifier
FROM (SELECT c.table_schema, c.table_name, c.dtd_identifier FROM information_schema.columns c) AS e(object_schema, object_name, dtd_identifier)
