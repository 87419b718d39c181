// Reactors that have called and wait to be let in, and how an administrator does that.
import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { api } from "../../api/client.ts";
import { may } from "../../api/session.ts";
import { t } from "../../i18n/index.ts";
import { Button } from "../../ui/Button.tsx";
import { ConfirmDialog, Dialog } from "../../ui/Dialog.tsx";
import { TextField } from "../../ui/Field.tsx";
import { Note } from "../../ui/Note.tsx";
import { Since } from "../../ui/Since.tsx";
import { Figure, Tile } from "../../ui/Tile.tsx";
import { visible } from "../../ui/text.ts";
import { toast } from "../../ui/Toast.tsx";
import { DeviceText } from "../../ui/Value.tsx";
import type { Standing } from "./model.ts";

/** A reactor that waits: what it says of itself, and the two ways to let it in. */
export function WaitingTile({ reactor }: { readonly reactor: Standing }): JSX.Element {
  const [asked, setAsked] = useState<"accept" | "enrol" | null>(null);
  return (
    <Tile
      class="waiting-reactor"
      severity="MINOR"
      title={t("{reactor} waits to be accepted", { reactor: visible(reactor.id) })}
      aside={
        may("admin") && (
          <>
            <Button onClick={() => setAsked("enrol")}>{t("Enrol with a token …")}</Button>
            <Button kind="primary" onClick={() => setAsked("accept")}>
              {t("Accept …")}
            </Button>
          </>
        )
      }
    >
      <SaysOfItself reactor={reactor} />
      {!may("admin") && <p class="muted">{t("An administrator lets it in.")}</p>}
      {asked === "accept" && <AcceptDialog reactor={reactor} onClose={() => setAsked(null)} />}
      {asked === "enrol" && <EnrolDialog id={reactor.id} onClose={() => setAsked(null)} />}
    </Tile>
  );
}

function SaysOfItself({ reactor }: { readonly reactor: Standing }): JSX.Element {
  return (
    <dl class="figures">
      <Figure label={t("Calls itself")}>
        <DeviceText text={reactor.name || "–"} />
      </Figure>
      <Figure label={t("Calls from")}>
        <DeviceText text={reactor.address || "–"} />
      </Figure>
      <Figure label={t("Agent")}>
        <DeviceText text={reactor.version || "–"} />
      </Figure>
      <Figure label={t("Points")}>{reactor.points}</Figure>
      <Figure label={t("Calls since")}>
        <Since time={reactor.since} />
      </Figure>
      {reactor.trouble && (
        <Figure label={t("Trouble")}>
          <DeviceText text={reactor.trouble} />
        </Figure>
      )}
    </dl>
  );
}

function AcceptDialog({ reactor, onClose }: { readonly reactor: Standing; readonly onClose: () => void }): JSX.Element {
  return (
    <ConfirmDialog
      title={t("Accept {reactor}?", { reactor: visible(reactor.id) })}
      action={t("Accept {reactor}", { reactor: visible(reactor.id) })}
      onClose={onClose}
      onConfirm={async () => {
        await api.post("/api/v1/reactors/{reactor}/accept", { path: { reactor: reactor.id } });
        toast("good", t("{reactor} is accepted: it registers within seconds", { reactor: visible(reactor.id) }));
      }}
    >
      <SaysOfItself reactor={reactor} />
      <p>{t("It gets its settings from here, its points become part of the watch, and commands reach its pumps and outputs. Make sure that it is the one you mean: anybody who reaches the coordinator could call so.")}</p>
    </ConfirmDialog>
  );
}

/** Lets a reactor in by a token, which is shown this once. Without an id it is asked for. */
export function EnrolDialog({ id: given, onClose }: { readonly id?: string; readonly onClose: () => void }): JSX.Element {
  const [id, setId] = useState(given ?? "");
  const [token, setToken] = useState("");
  const made = useRef(false); // the dialog that asks closes when it is done: then this one's turn comes
  if (token) return <TokenDialog id={id} token={token} onClose={onClose} />;
  return (
    <ConfirmDialog
      title={given ? t("Enrol {reactor}?", { reactor: visible(given) }) : t("Enrol a reactor")}
      action={t("Make a token")}
      disabled={id.trim() === ""}
      onClose={() => made.current || onClose()}
      onConfirm={async () => {
        const answer = await api.post("/api/v1/reactors/{reactor}/enrol", { path: { reactor: id.trim() } });
        made.current = true;
        setToken(answer.token);
      }}
    >
      {given === undefined && <TextField label={t("Id of the reactor")} value={id} onInput={setId} hint={t("As its vigilia-agent.toml says: R1, say")} autofocus required />}
      <p>{t("It is accepted, and from then on its agent must show the token. A token that it had is worth nothing any more.")}</p>
    </ConfirmDialog>
  );
}

function TokenDialog({ id, token, onClose }: { readonly id: string; readonly token: string; readonly onClose: () => void }): JSX.Element {
  const [copied, setCopied] = useState("");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(token);
      setCopied(t("Copied"));
    } catch {
      setCopied(t("Mark it and copy it by hand: this browser keeps the clipboard from pages without TLS."));
    }
  };
  return (
    <Dialog
      title={t("The token of {reactor}", { reactor: visible(id) })}
      onClose={onClose}
      actions={
        <>
          <Button onClick={copy}>{t("Copy")}</Button>
          <Button kind="primary" onClick={onClose}>
            {t("I have it")}
          </Button>
        </>
      }
    >
      <Note kind="minor">{t("It is shown this once: only a hash of it is kept.")}</Note>
      <pre class="token" tabIndex={0} aria-label={t("Token")}>
        {token}
      </pre>
      <p>{t("On the reactor, put it into the file that token_file in vigilia-agent.toml names, readable by its agent alone, and start the agent again.")}</p>
      {copied && <p role="status">{copied}</p>}
    </Dialog>
  );
}
