// What parameters and their states are called. Agents say it in English, as code; what is not known here stays as it is.
import { t } from "../../i18n/index.ts";
import { formatNumber } from "../../ui/format.ts";
import { visible } from "../../ui/text.ts";
import type { Parameter, Standing } from "./model.ts";

/** Return the words for a parameter. */
export function parameterWord({ name, title }: Pick<Parameter, "name" | "title">): string {
  const words: Readonly<Record<string, () => string>> = {
    Address: () => t("Address"),
    Buffered: () => t("Samples waiting"),
    Calibrating: () => t("In calibration"),
    Calibration: () => t("Calibration"),
    Clear: () => t("Set the total to 0"),
    Clock: () => t("Clock"),
    Continuous: () => t("Run"),
    DeadBand: () => t("Dead band"),
    Disk: () => t("Free disk"),
    Dose: () => t("Dose"),
    DoseDay: () => t("Last 24 hours"),
    DoseHour: () => t("Last hour"),
    DoseOver: () => t("Dose over a time"),
    Dosed: () => t("Dosed ever"),
    Dropped: () => t("Samples dropped"),
    Duty: () => t("Duty"),
    Enable: () => t("Enabled"),
    Export: () => t("Calibration, exported"),
    Faults: () => t("Restarts of parts"),
    Find: () => t("Find"),
    Frequency: () => t("Frequency"),
    Interval: () => t("Sampling interval"),
    Load: () => t("Load"),
    Memory: () => t("Memory"),
    OldestWaiting: () => t("Oldest waiting"),
    OnFor: () => t("On for a time"),
    OnTime: () => t("On, last 24 hours"),
    Power: () => t("Power"),
    Rate: () => t("Steady rate"),
    Raw: () => t("Raw answer"),
    Reason: () => t("Reason"),
    Restart: () => t("Last restart"),
    Resume: () => t("Resume"),
    Safe: () => t("Safe state"),
    Samples: () => t("Samples taken"),
    Setpoint: () => t("Set point"),
    State: () => t("State"),
    Stop: () => t("Stop"),
    Temp: () => t("Temperature"),
    SensorTemp: () => t("Temperature of the sensor"),
    Title: () => t("Name"),
    Total: () => t("Pump's total"),
    Uptime: () => t("Up for"),
    Voltage: () => t("Supply"),
  };
  return words[name]?.() ?? visible(title);
}

/** Return the word for a state that an agent tells. */
export function labelWord(label: string): string {
  switch (label) {
    case "Off":
      return t("Off");
    case "On":
      return t("On");
    case "Normal":
      return t("Normal");
    case "Safe":
      return t("Safe");
    case "Holding":
      return t("Holding");
    case "Waiting":
      return t("Waiting");
    case "Steady":
      return t("Steady");
    case "Acting":
      return t("Acting");
    case "No":
      return t("No");
    case "Yes":
      return t("Yes");
    case "Not set":
      return t("Not set");
    case "Right":
      return t("Right");
    default:
      return label;
  }
}

/** Return the word for a step of a calibration. */
export function stepWord(name: string): string {
  switch (name) {
    case "mid":
      return t("Middle point");
    case "low":
      return t("Low point");
    case "high":
      return t("High point");
    case "single":
      return t("Single point");
    case "dry":
      return t("Dry");
    case "zero":
      return t("Zero");
    case "air":
      return t("Air");
    case "volume":
      return t("Volume");
    default:
      return visible(name);
  }
}

/** Return the word for whether a reactor is there. */
export function presenceWord(state: Standing["state"]): string {
  switch (state) {
    case "connected":
      return t("Connected");
    case "away":
      return t("Away");
    case "waiting":
      return t("Waits to be accepted");
  }
}

/** Return a number with its unit. */
export function withUnit(value: number, units: string | null, precision = 2): string {
  return `${formatNumber(value, precision)}${units ? ` ${visible(units)}` : ""}`;
}
