import type { JSX } from "preact";
import type { Alarm } from "../../api/types.ts";
import { Icon, type IconName } from "../../ui/Icon.tsx";
import { stateWord } from "./acts.ts";

const ICONS: Partial<Record<Alarm["state"], IconName>> = {
  acknowledged: "check",
  shelved: "clock",
  suppressed: "down",
  "out-of-service": "minus",
};

/** An alarm's state in one word: those that wait for somebody stand out. */
export function StateTag({ alarm }: { readonly alarm: Pick<Alarm, "state"> }): JSX.Element {
  const icon = ICONS[alarm.state];
  return (
    <span class={`tag state ${alarm.state}`}>
      {icon && <Icon name={icon} />}
      {stateWord(alarm.state)}
    </span>
  );
}
