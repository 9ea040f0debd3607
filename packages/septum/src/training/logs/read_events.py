"""Reads a TensorBoard event file with Google's protobuf and prints its events as JSON.

An outside judge of the writer: nothing here comes from Septum. The messages are declared from the field
numbers published in tensorflow's event.proto, summary.proto, tensor.proto and tensor_shape.proto; the
checksum is computed bit by bit from the polynomial.
"""

import json
import struct
import sys

from google.protobuf import descriptor_pb2, descriptor_pool, json_format

try:
    from google.protobuf.message_factory import GetMessageClass
except ImportError:  # protobuf before 4.22
    from google.protobuf.message_factory import MessageFactory

    GetMessageClass = MessageFactory().GetPrototype

MESSAGES = {
    "Event": [("wall_time", 1, "double"), ("step", 2, "int64"), ("file_version", 3, "string"),
              ("summary", 5, "Summary"), ("session_log", 7, "SessionLog")],
    "SessionLog": [("status", 1, "int32"), ("checkpoint_path", 2, "string"), ("msg", 3, "string")],
    "Summary": [("value", 1, "*Value")],
    "Value": [("tag", 1, "string"), ("simple_value", 2, "float"), ("image", 4, "Image"),
              ("tensor", 8, "TensorProto"), ("metadata", 9, "SummaryMetadata")],
    "Image": [("height", 1, "int32"), ("width", 2, "int32"), ("colorspace", 3, "int32"),
              ("encoded_image_string", 4, "bytes")],
    "SummaryMetadata": [("plugin_data", 1, "PluginData")],
    "PluginData": [("plugin_name", 1, "string"), ("content", 2, "bytes")],
    "TensorProto": [("dtype", 1, "int32"), ("tensor_shape", 2, "TensorShape"), ("string_val", 8, "*bytes")],
    "TensorShape": [("dim", 2, "*Dim")],
    "Dim": [("size", 1, "int64")],
}


def event_class():
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="events.proto", package="t", syntax="proto3")
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for field_name, number, kind in fields:
            label = field.LABEL_REPEATED if kind.startswith("*") else field.LABEL_OPTIONAL
            kind = kind.lstrip("*")
            entry = message.field.add(name=field_name, number=number, label=label)
            if kind in MESSAGES:
                entry.type, entry.type_name = field.TYPE_MESSAGE, ".t." + kind
            else:
                entry.type = getattr(field, "TYPE_" + kind.upper())
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName("t.Event"))


def masked_crc(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def records(path):
    with open(path, "rb") as file:
        while header := file.read(12):
            length, length_crc = struct.unpack("<QI", header)
            assert length_crc == masked_crc(header[:8]), "checksum of a length"
            data = file.read(length)
            assert struct.unpack("<I", file.read(4))[0] == masked_crc(data), "checksum of a record"
            yield data


def main():
    event = event_class()
    for data in records(sys.argv[1]):
        message = event.FromString(data)
        # Unknown fields count in the size until they are discarded.
        known = event()
        known.CopyFrom(message)
        known.DiscardUnknownFields()
        assert known.ByteSize() == message.ByteSize(), "fields that the messages lack"
        print(json.dumps(json_format.MessageToDict(message, preserving_proto_field_name=True)))


main()
