// What every project of these tests runs: a page that loads a model from the server that `models` names and classifies `pairs`.
import { load } from "bert8";

async function run() {
  const query = new URLSearchParams(location.search);
  const models = query.get("models");
  const options = JSON.parse(query.get("options") ?? "{}");
  const classifier = await load({ model: `${models}/model.int8.onnx`, tokenizer: `${models}/tokenizer.json`, ...options });
  return { info: classifier.info, answers: await classifier.classifyBatch(JSON.parse(query.get("pairs"))) };
}

run().then((outcome) => (window.outcome = outcome), (error) => (window.outcome = { error: `${error.name}: ${error.message}` }));
