// @vladmandic/face-api 1.7.15 (MIT) for the `process` backend, option format = "ppm": its SSD detector, its 68 landmarks, its recognition network
// (128 numbers, Euclidean distance, 0.6). Set-up in this folder: npm ci. Protocol: audit/backends/process.py.
// Of several faces the one whose centre is nearest to the photograph's centre is taken, as Labeled Faces in the Wild intends.
"use strict";
console.log = console.error; // libraries greet on stdout; only answers may go there
const fs = require("fs");
const path = require("path");
const readline = require("readline");
const wasm = require("@tensorflow/tfjs-backend-wasm");
const faceapi = require("@vladmandic/face-api/dist/face-api.node-wasm.js");
const tf = faceapi.tf;

const say = (answer) => process.stdout.write(JSON.stringify(answer) + "\n");

function photograph(file) {
  const data = fs.readFileSync(file);
  const head = /^P6\s+(\d+)\s+(\d+)\s+255\s/.exec(data.toString("latin1", 0, 64));
  const [width, height] = [Number(head[1]), Number(head[2])];
  return tf.tensor3d(new Int32Array(data.subarray(head[0].length)), [height, width, 3], "int32");
}

async function answer(file) {
  const tensor = photograph(file);
  try {
    const [height, width] = tensor.shape;
    const options = new faceapi.SsdMobilenetv1Options({ minConfidence: 0.5, maxResults: 20 });
    const found = await faceapi.detectAllFaces(tensor, options).withFaceLandmarks().withFaceDescriptors();
    if (!found.length) return { status: "NO_FACE", reason: "no face found" };
    const off = ({ detection: { box } }) => Math.hypot(box.x + box.width / 2 - width / 2, box.y + box.height / 2 - height / 2);
    const face = found.reduce((best, one) => (off(one) < off(best) ? one : best));
    const { box, score } = face.detection;
    const quality = { face_pixels: Math.sqrt(box.width * box.height), detector_score: score };
    return { status: "ACQUIRED", template: Array.from(face.descriptor), faces: found.length, quality };
  } finally {
    tf.dispose(tensor);
  }
}

async function main() {
  wasm.setWasmPaths(path.join(path.dirname(require.resolve("@tensorflow/tfjs-backend-wasm/package.json")), "dist") + path.sep);
  await tf.setBackend("wasm");
  await tf.ready();
  const models = path.join(path.dirname(require.resolve("@vladmandic/face-api/package.json")), "model");
  await faceapi.nets.ssdMobilenetv1.loadFromDisk(models);
  await faceapi.nets.faceLandmark68Net.loadFromDisk(models);
  await faceapi.nets.faceRecognitionNet.loadFromDisk(models);
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const question = JSON.parse(line);
    if ("hello" in question) {
      say({
        hello: 1, name: "face-api", version: String(faceapi.version.faceapi || faceapi.version), product: "@vladmandic/face-api",
        licence: "MIT", training_data: "not stated by its author; the recognition network follows dlib's ResNet",
        dimensions: 128, measure: "euclidean", low: -2, high: 0, default_threshold: 0.6, unit: "distance",
      });
    } else {
      let result;
      try {
        result = await answer(question.image);
      } catch (error) {
        result = { status: "ERROR", reason: `${error.name} in the matcher` };
      }
      say({ id: question.id, ...result });
    }
  }
}

main();
