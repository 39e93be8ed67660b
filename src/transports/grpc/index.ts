import { CentrifugoUniStream } from "../../../gen/centrifugal/centrifugo/unistream/unistream_pb.ts";
