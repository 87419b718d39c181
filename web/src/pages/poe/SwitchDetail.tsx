// One switch: everything about the conversation with it, its power over time, and its ports as a table.
import type { JSX } from "preact";
import { t } from "../../i18n/index.ts";
import { live } from "../../live/index.ts";
import { formatNumber } from "../../ui/format.ts";
import { Note } from "../../ui/Note.tsx";
import { Table } from "../../ui/Table.tsx";
import { Figure } from "../../ui/Tile.tsx";
import { visible } from "../../ui/text.ts";
import { DeviceText } from "../../ui/Value.tsx";
import { Drawer } from "./Drawer.tsx";
import { signsOf } from "./live.ts";
import { StateMark } from "./PortSocket.tsx";
import type { Port, Room, Switch } from "./ports.ts";
import { SwitchHistory } from "./PowerChart.tsx";
import { Contact, milliseconds, Power } from "./SwitchPanel.tsx";
import { roomWord, stateWord } from "./words.ts";

interface Props {
  readonly of: Switch;
  readonly room: Room;
  readonly onPort: (port: Port) => void;
  readonly onClose: () => void;
}

/** The drawer of a switch. */
export function SwitchDetail({ of, room, onPort, onClose }: Props): JSX.Element {
  const link = live.links.value.get(of.link);
  const about = [of.host, of.model, of.firmware, roomWord(room.name)].filter((text): text is string => Boolean(text));
  return (
    <Drawer title={<DeviceText text={of.name} />} below={<DeviceText text={about.join(" · ")} />} onClose={onClose}>
      <p class="drawer-contact">
        <Contact link={of.link} />
      </p>
      <dl class="measured">
        <Figure label={t("Power")}>
          <Power ports={of.ports} />
        </Figure>
        {link && (
          <>
            <Figure label={t("Round trip")}>{milliseconds(link.round_trip_ms)}</Figure>
            <Figure label={t("99 % within")}>{milliseconds(link.round_trip_p99_ms)}</Figure>
            <Figure label={t("Sessions")}>{link.sessions}</Figure>
            <Figure label={t("Reconnections")}>{link.reconnects}</Figure>
            <Figure label={t("Answers discarded")}>{link.bad_answers}</Figure>
            <Figure label={t("Commands that wait")}>{link.waiting_writes}</Figure>
          </>
        )}
      </dl>
      {link && link.error !== "" && (
        <Note kind={link.contact === "connected" ? "info" : "major"}>
          <span>{t("Last error:")}</span> <DeviceText text={link.error} />
        </Note>
      )}
      {link && link.error === "" && <p class="muted small">{t("No error since Vigilia started.")}</p>}
      <SwitchHistory of={of} />
      <PortTable ports={of.ports} onPort={onPort} />
    </Drawer>
  );
}

function PortTable({ ports, onPort }: { readonly ports: readonly Port[]; readonly onPort: (port: Port) => void }): JSX.Element {
  return (
    <Table
      caption={t("Ports")}
      rows={ports}
      rowKey={({ id }) => id}
      columns={[
        { key: "id", title: t("Port"), cell: ({ id }) => visible(id) },
        {
          key: "device",
          title: t("Device"),
          cell: (port) => (
            <button type="button" class="plain link" onClick={() => onPort(port)}>
              {visible(port.device)}
            </button>
          ),
        },
        { key: "state", title: t("State"), cell: (port) => <StateCell port={port} /> },
        { key: "watts", title: "W", number: true, cell: (port) => <WattsCell port={port} /> },
      ]}
    />
  );
}

function StateCell({ port }: { readonly port: Port }): JSX.Element {
  const state = signsOf(port).state.value;
  return (
    <span class="state-cell">
      <StateMark state={state} /> {stateWord(state)}
    </span>
  );
}

function WattsCell({ port }: { readonly port: Port }): JSX.Element {
  const watts = signsOf(port).watts.value;
  return <>{watts === null ? "–" : formatNumber(watts, 1)}</>;
}
