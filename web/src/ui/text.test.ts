import assert from "node:assert/strict";
import { test } from "node:test";
import { visible } from "./text.ts";

test("control characters are shown, whatever else is left as it is", () => {
  assert.equal(visible("\u001b[31mred\u0007\n"), "␛[31mred␇␊");
  assert.equal(visible("\u007f"), "␡");
  assert.equal(visible("a\u202egnp.exe"), "a⟨U+202E⟩gnp.exe");
  assert.equal(visible("a\u200bb\ufeff"), "a⟨U+200B⟩b⟨U+FEFF⟩");
  assert.equal(visible("\u0085"), "⟨U+0085⟩");
  assert.equal(visible("half \ud83d pair"), "half ⟨U+D83D⟩ pair");
  for (const harmless of ["<b>Câmera</b> 1", "25 °C · µS/cm", "日本語 😀"]) assert.equal(visible(harmless), harmless);
});
