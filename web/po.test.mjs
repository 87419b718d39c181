import assert from "node:assert/strict";
import { test } from "node:test";
import { readCatalogue } from "./po.mjs";

test("messages, plurals, lines that go on, escapes", () => {
  const text = `msgid ""\nmsgstr ""\n"Language: pt_BR\\n"\n\n# said by somebody\nmsgid "a"\nmsgstr "b"\n
msgid "{n} alarm"\nmsgid_plural "{n} alarms"\nmsgstr[0] "{n} alarme"\nmsgstr[1] "{n} alarmes"\n
msgid ""\n"long "\n"text"\nmsgstr ""\n"texto "\n"\\"longo\\""\n`;
  assert.deepEqual(readCatalogue(text), {
    a: "b",
    "{n} alarm": ["{n} alarme", "{n} alarmes"],
    "long text": 'texto "longo"',
  });
});

test("what is not translated, or only guessed, is left out", () => {
  assert.deepEqual(readCatalogue('msgid "a"\nmsgstr ""\n\n#, fuzzy\nmsgid "b"\nmsgstr "c"\n'), {});
});
