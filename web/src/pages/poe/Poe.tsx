// PoE: switches by room, each as its front panel; a port opens beside them.
import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { ApiFailure, api, sentenceOf } from "../../api/client.ts";
import { useAsk } from "../../api/ask.ts";
import { query, setQuery } from "../../app/router.ts";
import { t, tn } from "../../i18n/index.ts";
import { useLive } from "../../live/index.ts";
import { Note } from "../../ui/Note.tsx";
import { Search } from "../../ui/Search.tsx";
import { EmptyState } from "../../ui/Tile.tsx";
import { visible } from "../../ui/text.ts";
import { Legend } from "./Filter.tsx";
import { isWanted, placesOf, signsOf } from "./live.ts";
import { PortDetail } from "./PortDetail.tsx";
import type { Place, Port, Room } from "./ports.ts";
import { SwitchDetail } from "./SwitchDetail.tsx";
import { isSmall, Power, SwitchPanel } from "./SwitchPanel.tsx";
import { roomWord } from "./words.ts";

const SYSTEM = "aruba";
const EXAMPLE = `[[aruba.switches]]
name = "sw-1"
url = "http://192.0.2.10:80"
room = "Connectivity room"
ports = [ { port = "3", device = "TB-01:CamMF-01" } ]`;

const openPort = (port: Port) => setQuery({ device: port.device, switch: null });
const openSwitch = (name: string) => setQuery({ switch: name, device: null });
const close = () => setQuery({ device: null, switch: null });

/** The page. */
export default function Poe(): JSX.Element {
  const live = useLive({ points: { system: SYSTEM }, watch: ["links"] });
  const { answer, wrong, busy } = useAsk(askView, [live.defined.value]);
  const places = useMemo(() => placesOf(answer?.rooms ?? []), [answer]);
  return (
    <div class={`page stack poe ${live.old.value ? "out" : ""}`}>
      <header class="page-head">
        <h1>{t("PoE")}</h1>
        {places.length > 0 && <Search text={query.value.get("q") ?? ""} placeholder={t("Device, port, switch or room")} class="poe-search" />}
      </header>
      {places.length > 0 && <Legend places={places} />}
      {wrong !== null && <Note kind="major">{sentenceOf(wrong)}</Note>}
      {answer && answer.left_out > 0 && (
        <Note kind="minor">{tn("{n} port is not shown: there are too many.", "{n} ports are not shown: there are too many.", answer.left_out)}</Note>
      )}
      {!answer && busy && <div class="loading-panels" aria-busy="true" aria-label={t("Loading")} />}
      {answer && places.length === 0 && <NoSwitches />}
      {answer && places.length > 0 && <Building rooms={answer.rooms} places={places} />}
    </div>
  );
}

/** Ask for the switches; a service that has none answers that it knows no such system. */
async function askView(signal: AbortSignal): Promise<{ rooms: readonly Room[]; left_out: number }> {
  try {
    const view = await api.get("/api/v1/systems/{name}", { path: { name: SYSTEM }, signal });
    return view.kind === "poe" ? view : { rooms: [], left_out: 0 };
  } catch (error) {
    if (error instanceof ApiFailure && error.error === "unknown-system") return { rooms: [], left_out: 0 };
    throw error;
  }
}

function NoSwitches(): JSX.Element {
  return (
    <EmptyState title={t("No switch is watched yet")}>
      <p>{t("Add one to vigilia.toml, with the ports to watch, then start Vigilia again:")}</p>
      <pre>{EXAMPLE}</pre>
    </EmptyState>
  );
}

interface BuildingProps {
  readonly rooms: readonly Room[];
  readonly places: readonly Place[];
}

/** The rooms, and what is open beside them. */
function Building({ rooms, places }: BuildingProps): JSX.Element {
  const device = query.value.get("device") ?? "";
  const name = query.value.get("switch") ?? "";
  const search = (query.value.get("q") ?? "").trim();
  const kind = query.value.get("state") ?? "";
  const place = places.find(({ port }) => port.device === device);
  const open = name ? rooms.flatMap((room) => room.switches.map((of) => ({ of, room }))).find(({ of }) => of.name === name) : undefined;
  const nothing = (search || kind) && !places.some((each) => isWanted(each, search, kind));
  return (
    <div class={`building ${place || open ? "with-drawer" : ""}`}>
      <div class="rooms">
        {(device || name) && !place && !open && (
          <Note kind="minor">{t("There is no {name} here any more.", { name: visible(device || name) })}</Note>
        )}
        {rooms.map((room) => (
          <RoomPart key={room.name} room={room} search={search} kind={kind} open={place?.port.device ?? ""} />
        ))}
        {nothing && (
          <EmptyState title={t("No port is like that")}>
            <p>
              <button type="button" class="plain link" onClick={() => setQuery({ q: null, state: null })}>
                {t("Show all ports")}
              </button>
            </p>
          </EmptyState>
        )}
      </div>
      {place && <PortDetail key={device} place={place} onClose={close} onSwitch={openSwitch} />}
      {open && <SwitchDetail key={name} of={open.of} room={open.room} onPort={openPort} onClose={close} />}
    </div>
  );
}

interface RoomProps {
  readonly room: Room;
  readonly search: string;
  readonly kind: string;
  readonly open: string;
}

function RoomPart({ room, search, kind, open }: RoomProps): JSX.Element | null {
  const shown = room.switches.filter((of) => of.ports.some((port) => isWanted({ port, of, room }, search, kind)));
  if (shown.length === 0) return null;
  return (
    <section class={`room ${shown.length === 1 && shown.every(isSmall) ? "narrow" : ""}`} aria-label={visible(roomWord(room.name))}>
      <header>
        <h2>{visible(roomWord(room.name))}</h2>
        <RoomFigures room={room} />
      </header>
      <div class="switches-of-room">
        {shown.map((of) => (
          <SwitchPanel key={of.name} of={of} room={room} search={search} kind={kind} open={open} onPort={openPort} onSwitch={openSwitch} />
        ))}
      </div>
    </section>
  );
}

function RoomFigures({ room }: { readonly room: Room }): JSX.Element {
  const ports = room.switches.flatMap((of) => of.ports);
  const delivering = ports.filter((port) => signsOf(port).state.value === "delivering").length;
  return (
    <p class="muted">
      {tn("{n} switch", "{n} switches", room.switches.length)} · {t("{n} of {all} delivering", { n: delivering, all: ports.length })} · <Power ports={ports} />
    </p>
  );
}
