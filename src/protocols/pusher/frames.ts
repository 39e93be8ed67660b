/** JSON text of an error's data (pusher §1): a code of pusher §1 or none, and what it is about. */
export function errorFrame(code: number | undefined, message: string): Buffer {
  return frameOf("pusher:error", JSON.stringify({ code: code ?? null, message }));
}

/** A message whose `data` is the JSON text as it stands. */
export function frameOf(event: string, dataJson: string, channel?: string): Buffer {
  const ofChannel = channel === undefined ? "" : `,"channel":${JSON.stringify(channel)}`;
  return Buffer.from(`{"event":${JSON.stringify(event)}${ofChannel},"data":${dataJson}}`);
}

/** A message whose `data` is a string that holds the JSON text, as most of the protocol's events have it. */
export function stringDataFrame(event: string, data: string, channel?: string): Buffer {
  return frameOf(event, JSON.stringify(data), channel);
}
