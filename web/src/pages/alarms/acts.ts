// What may be done about an alarm, and the words for it.
import { api } from "../../api/client.ts";
import type { Alarm, AlarmState } from "../../api/types.ts";
import { t } from "../../i18n/index.ts";

export type Act = "acknowledge" | "shelve" | "unshelve" | "out-of-service" | "in-service";

/** Return what an operator may do about an alarm, the likeliest first. */
export function actsOn(alarm: Alarm): Act[] {
  switch (alarm.state) {
    case "unacknowledged":
    case "returned":
      return ["acknowledge", "shelve", "out-of-service"];
    case "suppressed": // what it is besides, its acknowledgement tells
      return alarm.acknowledged_by === null ? ["acknowledge", "shelve", "out-of-service"] : ["shelve", "out-of-service"];
    case "acknowledged":
    case "normal":
      return ["shelve", "out-of-service"];
    case "shelved":
      return ["unshelve", "shelve", "out-of-service"];
    case "out-of-service":
      return ["in-service"];
  }
}

/** Return the word on the button. */
export function actWord(act: Act): string {
  switch (act) {
    case "acknowledge":
      return t("Acknowledge");
    case "shelve":
      return t("Shelve");
    case "unshelve":
      return t("Unshelve");
    case "out-of-service":
      return t("Take out of service");
    case "in-service":
      return t("Put back in service");
  }
}

/** Return what it will do, for the dialog. */
export function actMeaning(act: Act): string {
  switch (act) {
    case "acknowledge":
      return t("Says that somebody knows of it and deals with it.");
    case "shelve":
      return t("It is still watched, but nobody is told of it until then.");
    case "unshelve":
      return t("People are told of it again, at once where it still holds.");
    case "out-of-service":
      return t("It is still watched, but nobody is told of it until somebody puts it back in service.");
    case "in-service":
      return t("People are told of it again, at once where it still holds.");
  }
}

/** Return the sentence for what was done to one alarm. */
export function actDone(act: Act, name: string): string {
  switch (act) {
    case "acknowledge":
      return t("Acknowledged: {name}", { name });
    case "shelve":
      return t("Shelved: {name}", { name });
    case "unshelve":
      return t("Not shelved any more: {name}", { name });
    case "out-of-service":
      return t("Out of service: {name}", { name });
    case "in-service":
      return t("Back in service: {name}", { name });
  }
}

/** Return the word for an alarm's state. */
export function stateWord(state: AlarmState): string {
  switch (state) {
    case "normal":
      return t("Normal");
    case "unacknowledged":
      return t("Unacknowledged");
    case "acknowledged":
      return t("Acknowledged");
    case "returned":
      return t("Returned");
    case "shelved":
      return t("Shelved");
    case "suppressed":
      return t("Suppressed");
    case "out-of-service":
      return t("Out of service");
  }
}

/**
 * Do it to an alarm that was seen; return it as it is then. Throws ApiFailure, `alarm-changed` where it was raised anew
 * since: that nobody has seen.
 */
export function perform(act: Act, seen: Alarm, comment: string, until: number | null): Promise<Alarm> {
  return api.post("/api/v1/alarms/{alarm}/{action}", {
    path: { alarm: seen.id, action: act },
    body: { comment, expected: seen.latest_incident, ...(until === null ? {} : { until: new Date(until).toISOString() }) },
  });
}
