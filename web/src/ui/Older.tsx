import type { JSX } from "preact";
import { sentenceOf } from "../api/failure.ts";
import type { Paged } from "../api/paged.ts";
import { t, tn } from "../i18n/index.ts";
import { Button } from "./Button.tsx";
import { Note } from "./Note.tsx";

/** Below a long list: how many are shown, the way to older ones, and why they could not be fetched. */
export function Older<I>({ list }: { readonly list: Paged<I> }): JSX.Element {
  return (
    <div class="older row">
      <span class="muted number" role="status">
        {list.busy && !list.known ? t("Loading") : tn("{n} shown", "{n} shown", list.items.length)}
      </span>
      {list.more && (
        <Button icon="down" busy={list.busy} onClick={list.older}>
          {t("Show older")}
        </Button>
      )}
      {list.wrong !== null && (
        <Note kind="major">
          {sentenceOf(list.wrong)}{" "}
          <Button kind="quiet" icon="refresh" onClick={list.again}>
            {t("Try again")}
          </Button>
        </Note>
      )}
    </div>
  );
}
