"""A language model with random weights, as an object and as files for trainers; and a record of a trainer's reports."""

import json
import pathlib
import string
from dataclasses import asdict

import mlx.core as mx
from mlx.utils import tree_flatten
from mlx_lm.models.llama import Model, ModelArgs
from mlx_lm.tuner.callbacks import TrainingCallback
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

TOKENS = ["<s>", "</s>", "<unk>", *string.ascii_lowercase, " "]
ARGUMENTS = ModelArgs(
    model_type="llama",
    hidden_size=32,
    num_hidden_layers=2,
    intermediate_size=64,
    num_attention_heads=4,
    rms_norm_eps=1e-5,
    vocab_size=len(TOKENS),
    max_position_embeddings=64,
)
TEXTS = ["the quick brown fox jumps over the lazy dog"[i:] for i in range(4)]


def model() -> Model:
    mx.random.seed(3)
    return Model(ARGUMENTS)


def save(folder: pathlib.Path) -> None:
    """Save the model and its tokenizer in the subfolder `model`, and texts in `data`."""
    (folder / "model").mkdir()
    (folder / "data").mkdir()
    characters = Tokenizer(models.WordLevel({token: i for i, token in enumerate(TOKENS)}, unk_token="<unk>"))
    characters.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    PreTrainedTokenizerFast(
        tokenizer_object=characters, bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    ).save_pretrained(folder / "model")
    mx.save_safetensors(str(folder / "model/model.safetensors"), dict(tree_flatten(model().parameters())))
    config = {key: value for key, value in asdict(ARGUMENTS).items() if value is not None}
    (folder / "model/config.json").write_text(json.dumps(config))
    for part in ("train", "valid"):
        (folder / f"data/{part}.jsonl").write_text("\n".join(json.dumps({"text": text}) for text in TEXTS))


class Rates(TrainingCallback):
    def __init__(self):
        self.rates, self.losses = [], []

    def on_train_loss_report(self, info):
        self.rates.append(info["learning_rate"])
        self.losses.append(info["train_loss"])
