// Requests to the API, typed by its OpenAPI document.
//
//   const { items } = await api.get("/api/v1/points", { query: { q: "pH" } });
//   await api.put("/api/v1/points/{name}/value", { path: { name }, body: { value: 7 } });
//
// What goes wrong is thrown as an ApiFailure. Where the session has ended, the sign-in dialog opens and the request is
// made again afterwards: whoever awaits it sees only that it took longer. Where that dialog was cancelled, only what
// somebody does opens it again: what is only read fails, quietly, as not signed in.
import { t } from "../i18n/index.ts";
import { csrfToken, refreshSession, signInAgain } from "./session.ts";
import { ApiFailure } from "./failure.ts";
import type { paths } from "./schema.d.ts";

export { ApiFailure, sentenceOf, wasGivenUp } from "./failure.ts";

const LONGEST_MS = 45_000; // longer than the service takes to say that it did not come to an answer

type Verb = "get" | "put" | "post" | "delete";
type PathsOf<V extends Verb> = { [P in keyof paths]: paths[P][V] extends object ? P : never }[keyof paths];
type Parameters<O> = O extends { parameters: infer A } ? A : never;
type Query<O> = Parameters<O> extends { query?: infer Q } ? Exclude<Q, undefined> : never;
type PathValues<O> = Parameters<O> extends { path: infer P } ? P : never;
type Body<O> = O extends { requestBody?: { content: { "application/json": infer B } } } ? B : unknown;
type Content<R> = R extends { content: { "application/json": infer A } } ? A : never;
type Responses<O> = O extends { responses: infer R } ? R : never;
type Answer<O> = Content<Responses<O>[keyof Responses<O> & (200 | 201 | 202)]>;

/** What a request needs besides its path. */
export type Options<O> = ([PathValues<O>] extends [never] ? object : { path: PathValues<O> }) & {
  query?: Query<O>;
  body?: Body<O>;
  signal?: AbortSignal;
};
type Rest<O> = [PathValues<O>] extends [never] ? [options?: Options<O>] : [options: Options<O>];

/** A request whose types nobody knows. */
export interface RawOptions {
  query?: unknown;
  body?: unknown;
  signal?: AbortSignal | undefined;
  /** False where a 401 is the answer that matters: signing in itself. */
  signIn?: boolean;
}

export const api = {
  get: <P extends PathsOf<"get">>(path: P, ...rest: Rest<paths[P]["get"]>) => typed<paths[P]["get"]>("GET", path, rest[0]),
  put: <P extends PathsOf<"put">>(path: P, ...rest: Rest<paths[P]["put"]>) => typed<paths[P]["put"]>("PUT", path, rest[0]),
  post: <P extends PathsOf<"post">>(path: P, ...rest: Rest<paths[P]["post"]>) =>
    typed<paths[P]["post"]>("POST", path, rest[0]),
  delete: <P extends PathsOf<"delete">>(path: P, ...rest: Rest<paths[P]["delete"]>) =>
    typed<paths[P]["delete"]>("DELETE", path, rest[0]),
  request,
};

function typed<O>(method: string, path: string, options: object | undefined): Promise<Answer<O>> {
  const { path: values, ...others } = (options ?? {}) as RawOptions & { path?: Record<string, unknown> };
  return request<Answer<O>>(method, fillPath(path, values ?? {}), others);
}

/** Make a request; return its JSON, null where it has none. For what the OpenAPI document does not say. */
export async function request<A>(method: string, path: string, options: RawOptions = {}): Promise<A> {
  const answer = await send(method, path, options);
  if (answer.ok) return (await readJson(answer)) as A;
  const failure = await failureOf(answer);
  if (options.signIn !== false) {
    if (failure.error === "not-signed-in" && (await signInAgain(method !== "GET"))) return request(method, path, { ...options, signIn: false });
    if (failure.error === "csrf" && (await refreshSession())) return request(method, path, { ...options, signIn: false });
  }
  if (failure.error === "not-allowed") void refreshSession(); // the role was changed: buttons go
  throw failure;
}

async function send(method: string, path: string, { query, body, signal }: RawOptions): Promise<Response> {
  const headers = new Headers({ Accept: "application/json" });
  const token = csrfToken();
  if (method !== "GET" && token) headers.set("X-Vigilia-CSRF", token);
  if (body !== undefined) headers.set("Content-Type", "application/json");
  const limit = AbortSignal.timeout(LONGEST_MS);
  try {
    return await fetch(path + queryString(query), {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
      credentials: "same-origin",
      cache: "no-store",
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiFailure(0, "out-of-touch", t("Vigilia does not answer. What was asked for may or may not have been done."));
  }
}

async function readJson(answer: Response): Promise<unknown> {
  const text = await answer.text();
  return text && answer.headers.get("content-type")?.includes("json") ? JSON.parse(text) : null;
}

async function failureOf(answer: Response): Promise<ApiFailure> {
  const said = (await readJson(answer).catch(() => null)) as { error?: unknown; detail?: unknown } | null;
  const error = typeof said?.error === "string" ? said.error : "failed";
  const detail = typeof said?.detail === "string" ? said.detail : t("Vigilia answered {status}", { status: answer.status });
  const waitS = Number(answer.headers.get("retry-after") ?? "");
  return new ApiFailure(answer.status, error, detail, said, Number.isFinite(waitS) ? waitS : 0);
}

function fillPath(path: string, values: Record<string, unknown>): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(values[name])));
}

/** Return `?…` for `query`: nothing for what is empty, one `name=` for each entry of a list. */
export function queryString(query: unknown): string {
  const fields = new URLSearchParams();
  for (const [name, value] of Object.entries((query ?? {}) as Record<string, unknown>)) {
    for (const one of Array.isArray(value) ? (value as unknown[]) : [value]) {
      if (one !== undefined && one !== null && one !== "") fields.append(name, String(one));
    }
  }
  const text = fields.toString();
  return text && `?${text}`;
}

/** Return every item of a list, page after page. */
export async function every<I>(
  ask: (next: string | undefined) => Promise<{ items: I[]; next?: string | null | undefined }>,
): Promise<I[]> {
  const items: I[] = [];
  let next: string | undefined;
  do {
    const page = await ask(next);
    items.push(...page.items);
    next = page.next ?? undefined;
  } while (next);
  return items;
}
