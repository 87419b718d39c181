// Every page: where it is, what it is called, and how to load it. The service has the same paths (serving.py).
import type { ComponentType } from "preact";
import type { IconName } from "./ui/Icon.tsx";
import type { Role } from "./api/types.ts";

export interface Page {
  readonly path: string;
  /** In English: a key for t(). */
  readonly title: string;
  readonly icon: IconName;
  /** The letter that goes there after "g". */
  readonly key: string;
  /** Who sees it. */
  readonly role: Role;
  /** False where it is not among the pages one goes to: the one for signing in. */
  readonly listed?: boolean;
  /** True where it has nothing to say while nobody has to sign in. */
  readonly signIn?: boolean;
  readonly load: () => Promise<{ default: ComponentType }>;
}

/** In the order of the navigation. */
export const PAGES: readonly Page[] = [
  {
    path: "/",
    title: "Overview",
    icon: "overview",
    key: "o",
    role: "viewer",
    load: () => import("./pages/overview/Overview.tsx"),
  },
  {
    path: "/poe",
    title: "PoE",
    icon: "poe",
    key: "e",
    role: "viewer",
    load: () => import("./pages/poe/Poe.tsx"),
  },
  {
    path: "/plants",
    title: "Plants",
    icon: "plants",
    key: "l",
    role: "viewer",
    load: () => import("./pages/plants/Plants.tsx"),
  },
  {
    path: "/reactors",
    title: "Reactors",
    icon: "reactors",
    key: "r",
    role: "viewer",
    load: () => import("./pages/reactors/Reactors.tsx"),
  },
  {
    path: "/points",
    title: "Points",
    icon: "points",
    key: "p",
    role: "viewer",
    load: () => import("./pages/points/Points.tsx"),
  },
  {
    path: "/alarms",
    title: "Alarms",
    icon: "alarms",
    key: "a",
    role: "viewer",
    load: () => import("./pages/alarms/Alarms.tsx"),
  },
  {
    path: "/incidents",
    title: "Incidents",
    icon: "incidents",
    key: "i",
    role: "viewer",
    load: () => import("./pages/incidents/Incidents.tsx"),
  },
  {
    path: "/notices",
    title: "Notices",
    icon: "notices",
    key: "n",
    role: "viewer",
    load: () => import("./pages/notices/Notices.tsx"),
  },
  {
    path: "/audit",
    title: "Audit",
    icon: "audit",
    key: "u",
    role: "viewer",
    load: () => import("./pages/audit/Audit.tsx"),
  },
  {
    path: "/users",
    title: "Users",
    icon: "users",
    key: "s",
    role: "admin",
    signIn: true,
    load: () => import("./pages/users/Users.tsx"),
  },
  {
    path: "/sign-in",
    title: "Sign in",
    icon: "sign-in",
    key: "",
    role: "viewer",
    listed: false,
    load: () => import("./pages/sign-in/SignIn.tsx"),
  },
];
