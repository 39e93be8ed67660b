import { create, createFileRegistry } from "@bufbuild/protobuf";
import {
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  file_google_protobuf_descriptor,
} from "@bufbuild/protobuf/wkt";
import { status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { ReflectionIndex } from "../../../src/grpc/reflection.ts";

function extension(name: string, number: number) {
  const extendee = ".google.protobuf.MessageOptions";
  return { name, number, extendee, label: Label.OPTIONAL, type: Type.STRING };
}

/** An index of a service whose file extends message options, by field 50001 and 50000. */
function indexWithExtensions(): ReflectionIndex {
  const file = create(FileDescriptorProtoSchema, {
    name: "t/t.proto",
    package: "t",
    syntax: "proto3",
    dependency: ["google/protobuf/descriptor.proto"],
    extension: [extension("second", 50001), extension("first", 50000)],
    messageType: [{ name: "M" }],
    service: [{ name: "S", method: [{ name: "Call", inputType: ".t.M", outputType: ".t.M" }] }],
  });
  const registry = createFileRegistry(
    create(FileDescriptorSetSchema, { file: [file_google_protobuf_descriptor.proto, file] }),
  );
  const service = registry.getService("t.S");
  if (service === undefined) throw new Error("no service");
  return new ReflectionIndex([service]);
}

const OPTIONS = "google.protobuf.MessageOptions";

describe("ReflectionIndex", () => {
  const index = indexWithExtensions();

  it("finds the file of an extension, with what it imports", () => {
    const byExtension = index.answer({
      case: "fileContainingExtension",
      value: {
        $typeName: "grpc.reflection.v1.ExtensionRequest",
        containingType: OPTIONS,
        extensionNumber: 50000,
      },
    });
    expect(byExtension?.case).toBe("fileDescriptorResponse");
    expect(byExtension).toEqual(index.answer({ case: "fileByFilename", value: "t/t.proto" }));
    expect(byExtension).toEqual(index.answer({ case: "fileContainingSymbol", value: "t.first" }));
    expect(byExtension?.value).toMatchObject({ fileDescriptorProto: { length: 2 } });
  });

  it("lists the extensions of a message", () => {
    expect(index.answer({ case: "allExtensionNumbersOfType", value: OPTIONS })).toEqual({
      case: "allExtensionNumbersResponse",
      value: { baseTypeName: OPTIONS, extensionNumber: [50000, 50001] },
    });
  });

  it("does not find an extension of another number", () => {
    const answer = index.answer({
      case: "fileContainingExtension",
      value: {
        $typeName: "grpc.reflection.v1.ExtensionRequest",
        containingType: OPTIONS,
        extensionNumber: 1,
      },
    });
    expect(answer).toMatchObject({ case: "errorResponse", value: { errorCode: status.NOT_FOUND } });
  });
});
