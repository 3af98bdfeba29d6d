// Asks Microsoft's own parser and binder about query texts.
//
// node kusto_parser.js PACKAGE_FOLDER < {"tables": {"T": "(a: long)"}, "texts": ["T | count"]}
// answers {"functions": [name], "plugins": [name], "answers": [one a text]}, an answer being
// {"syntax": [[code, message, start]], "semantic": [...], "columns": [[name, type]]}.
"use strict";
const fs = require("fs");
const path = require("path");

const folder = path.resolve(process.argv[2]);
require(path.join(folder, "bridge.min.js"));
require(path.join(folder, "Kusto.Language.Bridge.min.js"));
const { KustoCode, GlobalState, Symbols } = Kusto.Language;

function listed(diagnostics) {
  const found = [];
  for (let at = 0; at < diagnostics.Count; at += 1) {
    const one = diagnostics.getItem(at);
    if (one.Severity === "Error") {
      found.push([one.Code, one.Message, one.Start]);
    }
  }
  return found;
}

function columns(type) {
  if (!(type instanceof Symbols.TableSymbol)) {
    return null;
  }
  const found = [];
  for (let at = 0; at < type.Columns.Count; at += 1) {
    const column = type.Columns.getItem(at);
    found.push([column.Name, column.Type.Name]);
  }
  return found;
}

function judged(text, globals) {
  const code = KustoCode.ParseAndAnalyze(text, globals);
  const syntax = listed(code.GetSyntaxDiagnostics());
  const known = new Set(syntax.map(String));
  const semantic = listed(code.GetDiagnostics()).filter((one) => !known.has(String(one)));
  return { syntax, semantic, columns: columns(code.ResultType) };
}

const asked = JSON.parse(fs.readFileSync(0, "utf8"));
const tables = Object.entries(asked.tables).map(
  ([name, schema]) => new Symbols.TableSymbol.$ctor7(name, schema, ""),
);
const database = new Symbols.DatabaseSymbol.ctor("telemetry", tables);
const globals = GlobalState.Default.WithDatabase(database);
const names = (...lists) => [...new Set(lists.flat().map((one) => one.Name))].sort();
const answer = {
  functions: names(globals.Functions, globals.Aggregates),
  plugins: names(globals.PlugIns),
  answers: asked.texts.map((text) => judged(text, globals)),
};
process.stdout.write(JSON.stringify(answer));
