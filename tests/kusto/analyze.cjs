// usage: node analyze.cjs DIRECTORY QUERY.kql...   prints a JSON list of diagnostics
// DIRECTORY holds node_modules/@kusto/language-service-next. The tables are those of a Log Analytics workspace
// that the queries read: https://learn.microsoft.com/azure/azure-monitor/reference/tables-index
const fs = require('fs');
const path = require('path');
const vm = require('vm');

const TABLES = {
  AppTraces: {
    TimeGenerated: 'DateTime', Message: 'String', SeverityLevel: 'Int', Properties: 'Dynamic', AppRoleName: 'String',
    OperationName: 'String', OperationId: 'String', ItemCount: 'Int',
  },
  AddonAzureBackupJobs: {
    TimeGenerated: 'DateTime', ResourceId: 'String', JobUniqueId: 'String', BackupItemUniqueId: 'String',
    JobFailureCode: 'String', JobOperation: 'String', JobOperationSubType: 'String', JobStatus: 'String',
    JobStartDateTime: 'DateTime', VaultUniqueId: 'String', BackupManagementType: 'String',
    BackupItemId: 'String', DatasourceResourceId: 'String', DatasourceSetResourceId: 'String',
  },
};

function load(directory) {
  const packageDirectory = path.join(directory, 'node_modules', '@kusto', 'language-service-next');
  for (const file of ['bridge.min.js', 'Kusto.Language.Bridge.min.js']) {
    vm.runInThisContext(fs.readFileSync(path.join(packageDirectory, file), 'utf8'), { filename: file });
  }
  return globalThis.Kusto.Language;
}

function workspace(language) {
  const { ColumnSymbol, DatabaseSymbol, ScalarTypes, TableSymbol } = language.Symbols;
  const column = ([name, type]) => new ColumnSymbol(name, ScalarTypes[type], null, null, null, null);
  const table = ([name, columns]) => new TableSymbol.$ctor4(name, Object.entries(columns).map(column));
  const database = new DatabaseSymbol.$ctor3('workspace', null, Object.entries(TABLES).map(table), false);
  return language.GlobalState.Default.WithDatabase(database);
}

function analyze(language, globals, file) {
  const query = fs.readFileSync(file, 'utf8');
  const found = language.KustoCode.ParseAndAnalyze(query, globals).GetDiagnostics();
  return Array.from({ length: found.Count }, (_, index) => {
    const { Severity, Code, Message, Start, Length } = found.getItem(index);
    return `${path.basename(file)}: ${Severity} ${Code}: ${Message} at ${JSON.stringify(query.substr(Start, Length))}`;
  });
}

const [directory, ...files] = process.argv.slice(2);
const language = load(directory);
const globals = workspace(language);
console.log(JSON.stringify(files.flatMap((file) => analyze(language, globals, file))));
