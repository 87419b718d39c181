import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { query } from "../../app/router.ts";
import { t } from "../../i18n/index.ts";
import { Button } from "../../ui/Button.tsx";
import type { Span } from "../../ui/Chart.tsx";
import { Dialog } from "../../ui/Dialog.tsx";
import { TextField } from "../../ui/Field.tsx";
import { toast } from "../../ui/Toast.tsx";
import { standing } from "./span.ts";

/** Gives the link that shows somebody else the same curves over the same times. */
export function ShareLink({ span }: { readonly span: Span }): JSX.Element {
  const [shown, setShown] = useState("");
  const share = async () => {
    const link = linkOf(span);
    try {
      await navigator.clipboard.writeText(link);
      toast("good", t("The link is in the clipboard"));
    } catch {
      setShown(link); // browsers keep the clipboard from pages that come without TLS
    }
  };
  return (
    <>
      <Button kind="quiet" icon="link" onClick={share}>
        {t("Share")}
      </Button>
      {shown && (
        <Dialog title={t("Link to this chart")} onClose={() => setShown("")}>
          <TextField label={t("Copy this")} value={shown} onInput={() => undefined} lines={4} autofocus />
        </Dialog>
      )}
    </>
  );
}

/** Return the address of this chart with the times as they are now. */
export function linkOf(span: Span): string {
  const link = new URL("/points", location.href);
  for (const name of query.peek().getAll("name")) link.searchParams.append("name", name);
  const { from, to } = standing(span);
  link.searchParams.append("from", from);
  link.searchParams.append("to", to);
  return link.href;
}
