// Reads gettext catalogues (.po): the build turns them into what t() looks texts up in.

/**
 * Return a catalogue's messages: msgid → msgstr, or → one text for each plural form.
 * What is not translated yet, or only fuzzily, is left out: t() shows the English text then.
 * @param {string} text
 * @returns {Record<string, string | string[]>}
 */
export function readCatalogue(text) {
  /** @type {Record<string, string | string[]>} */
  const messages = {};
  for (const block of text.split(/\r?\n\s*\r?\n/)) {
    const entry = readEntry(block);
    if (entry?.id && entry.texts.length > 0 && entry.texts.every(Boolean)) {
      messages[entry.id] = entry.plural ? entry.texts : /** @type {string} */ (entry.texts[0]);
    }
  }
  return messages;
}

/** @param {string} block */
function readEntry(block) {
  let id = "";
  let plural = false;
  /** @type {string[]} */
  const texts = [];
  /** @type {(more: string) => void} */
  let add = () => {};
  for (const line of block.split(/\r?\n/)) {
    if (/^#,.*\bfuzzy\b/.test(line)) return null;
    const match = /^(?:(msgid|msgid_plural|msgstr)(?:\[(\d+)\])?\s+)?("(?:[^"\\]|\\.)*")\s*$/.exec(line);
    if (!match) continue;
    const [, keyword, index, quoted] = match;
    if (keyword === "msgid") add = (more) => (id += more);
    else if (keyword === "msgid_plural") {
      plural = true;
      add = () => {};
    } else if (keyword === "msgstr") {
      const form = Number(index ?? 0);
      texts[form] = "";
      add = (more) => (texts[form] += more);
    }
    add(JSON.parse(/** @type {string} */ (quoted)));
  }
  return { id, plural, texts };
}
