import type { ClientBase } from "pg";

/** The missing grants on tables: a role may read and write rows, and nothing else. */
const missingOnTables = `
SELECT format('GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE %I.%I TO %I', n.nspname, c.relname, $1::text) AS statement
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relname = ANY ($2::text[]) AND c.relkind IN ('r', 'p') AND pg_table_is_visible(c.oid)
  AND NOT (SELECT bool_and(has_table_privilege($1, c.oid, needed))
           FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) needed)
ORDER BY c.relname`;

/** The missing grants on the sequences of serial columns. */
const missingOnSequences = `
SELECT format('GRANT USAGE ON SEQUENCE %I.%I TO %I', n.nspname, s.relname, $1::text) AS statement
FROM pg_class s JOIN pg_namespace n ON n.oid = s.relnamespace
JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = s.oid AND d.deptype IN ('a', 'i')
JOIN pg_class c ON c.oid = d.refobjid AND d.refclassid = 'pg_class'::regclass
WHERE c.relname = ANY ($2::text[]) AND pg_table_is_visible(c.oid)
  AND CASE s.relkind WHEN 'S' THEN NOT has_sequence_privilege($1, s.oid, 'USAGE') END
ORDER BY s.relname`;

/** requireRole throws while the role does not exist. The database server creates it when it
 * starts, which can be after the start of this pod. */
export async function requireRole(client: ClientBase, role: string): Promise<void> {
  const found = await client.query("SELECT 1 FROM pg_roles WHERE rolname = $1", [role]);
  if (found.rows.length > 0) return;
  throw new Error(
    `role "${role}" does not exist: the PostgreSQL of the chart creates it at its start from the password ` +
      "of the role, and its log reports a missing password; in your own database, create the role",
  );
}

/** grantRows grants a role the rows of the tables and returns the number of grants that were
 * missing. The role that migrates owns the tables, so the other role can neither change nor
 * drop them. A restored database has no grants, so this runs at every start. */
export async function grantRows(
  client: ClientBase,
  role: string,
  tables: readonly string[],
): Promise<number> {
  let given = 0;
  for (const query of [missingOnTables, missingOnSequences]) {
    const missing = await client.query<{ statement: string }>(query, [role, tables]);
    for (const { statement } of missing.rows) {
      await client.query(statement);
      given++;
    }
  }
  return given;
}
