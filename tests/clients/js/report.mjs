// Two BI tools of npm with an analyst's login: a Malloy model, and the driver of Evidence. Argument: one JSON object with url,
// host, port, user, password, dbname. Prints what they answer as one JSON object.
import { PostgresConnection } from "@malloydata/db-postgres";
import { SingleConnectionRuntime } from "@malloydata/malloy";
import { getRunner, testConnection } from "@evidence-dev/postgres";

const given = JSON.parse(process.argv[2]);

async function malloy() {
  const connection = new PostgresConnection({ name: "acme", connectionString: given.url });
  const runtime = new SingleConnectionRuntime({ connection });
  const model = `
    source: calls is acme.table('analytics.events') extend {
      measure:
        calls is count()
        shows is count() { where: call_status = 'completed' }
    }
    run: calls -> {
      group_by: closer_name
      aggregate: calls, shows
      nest: by_status is { group_by: call_status aggregate: calls }
      order_by: closer_name
    }`;
  const result = await runtime.loadQuery(model).run();
  await connection.close();
  return result.data.toObject();
}

async function evidence() {
  const { host, port, user, password, dbname: database } = given;
  const options = { host, port: Number(port), user, password, database, ssl: false };
  const asked = await (await getRunner(options))(
    `select closer_name, count(*) as calls, count(*) filter (where call_status = 'completed') as shows
       from events group by 1 order by 1`,
    "closers.sql",
    1000,
  );
  const rows = [];
  for await (const batch of asked.rows()) rows.push(...batch);
  const types = Object.fromEntries(asked.columnTypes.map((column) => [column.name, column.evidenceType]));
  return { rows, types, tested: await testConnection(options) };
}

process.stdout.write(
  JSON.stringify({ malloy: await malloy(), evidence: await evidence() }, (_, value) =>
    typeof value === "bigint" ? Number(value) : value,
  ),
);
