import { SeptumError } from '@septum/core'
import {
  type Attribute,
  elementTypes,
  type Initializer,
  type OnnxGraph,
  type OnnxNode,
  type TensorSpec,
} from './graph.js'
import { Message } from './wire.js'

export const OPSET = 17
/** Version of the file format that came with opset 17 (ONNX 1.12). */
const IR_VERSION = 8
/** Limit of the protocol buffer format. */
const MAX_BYTES = 2 ** 31 - 1

/** Field numbers are those of onnx.proto. */
function attribute(name: string, { kind, value }: Attribute): Message {
  const message = new Message().text(1, name)
  switch (kind) {
    case 'float':
      return message.float(2, value).integer(20, 1)
    case 'int':
      return message.integer(3, value).integer(20, 2)
    case 'text':
      return message.text(4, value).integer(20, 3)
    case 'ints':
      for (const each of value) message.integer(8, each)
      return message.integer(20, 7)
  }
}

function node({ op, inputs, outputs, attributes, path }: OnnxNode): Message {
  const message = new Message()
  for (const input of inputs) message.text(1, input)
  for (const output of outputs) message.text(2, output)
  message.text(3, path ? `${path}/${outputs[0]}` : outputs[0]!).text(4, op)
  for (const [name, value] of Object.entries(attributes)) message.message(5, attribute(name, value))
  return message
}

function tensor(name: string, { type, shape, data }: Initializer): Message {
  const message = new Message()
  for (const size of shape) message.integer(1, size)
  return message.integer(2, elementTypes[type]).text(8, name).bytes(9, data)
}

function valueInfo({ name, type, shape }: TensorSpec): Message {
  const ofTensor = new Message().integer(1, elementTypes[type])
  if (shape) {
    const axes = new Message()
    for (const size of shape) {
      const axis = new Message()
      if (typeof size === 'number') axis.integer(1, size)
      else axis.text(2, size)
      axes.message(1, axis)
    }
    ofTensor.message(2, axes)
  }
  return new Message().text(1, name).message(2, new Message().message(1, ofTensor))
}

/** The graph as an ONNX file. @throws SeptumError `export-too-large` above 2 GB. */
export function serialize(graph: OnnxGraph, producerVersion: string): Uint8Array {
  const body = new Message()
  for (const each of graph.nodes) body.message(1, node(each))
  body.text(2, graph.name)
  for (const [name, value] of graph.initializers) body.message(5, tensor(name, value))
  for (const input of graph.inputs) body.message(11, valueInfo(input))
  for (const output of graph.outputs) body.message(12, valueInfo(output))
  const model = new Message()
    .integer(1, IR_VERSION)
    .text(2, 'septum')
    .text(3, producerVersion)
    .message(7, body)
    .message(8, new Message().text(1, '').integer(2, OPSET))
  if (model.length > MAX_BYTES) {
    throw new SeptumError(
      'export-too-large',
      `The graph ${graph.name} has ${(model.length / 1e9).toFixed(1)} GB, more than an ONNX file may have`,
      'Train a narrower model.',
    )
  }
  return model.finish()
}
