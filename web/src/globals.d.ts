declare module "*.po" {
  const messages: Readonly<Record<string, string | string[]>>;
  export default messages;
}
