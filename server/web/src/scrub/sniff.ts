export const sniff = (head: Uint8Array): string => (head.length ? '' : '');
export const groupOf = (type: string): string | undefined => (type ? undefined : undefined);
