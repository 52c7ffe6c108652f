"""Random weights at a real size, written by the tools that write the released ones: the input of `cpu.py`.

    python cpu_weights.py 2b DIRECTORY --tokenizer GEMMA/tokenizer.json                  # Transformers' files
    python cpu_weights.py 2b DIRECTORY --tokenizer … --llama SOURCE --build BUILD        # and GGUF files beside them

Runs in an environment with torch and transformers, and for GGUF sentencepiece and protobuf. SOURCE is
llama.cpp's source tree, whose converter makes the bf16 file, and BUILD its build, whose `llama-quantize` makes
Q4_0 and Q8_0 of it with default settings.
"""

import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path

NAMES = {67: "<|fim_prefix|>", 68: "<|fim_middle|>", 69: "<|fim_suffix|>", 70: "<|file_separator|>"}
NAMES |= {106: "<start_of_turn>", 107: "<end_of_turn>"}
SHAPES = {
    "2b": {"hidden_size": 2048, "intermediate_size": 16384, "num_hidden_layers": 18, "num_attention_heads": 8},
    "7b": {"hidden_size": 3072, "intermediate_size": 24576, "num_hidden_layers": 28, "num_attention_heads": 16},
}
KEY_VALUE_HEADS = {"2b": 1, "7b": 16}
PIECE_KINDS = {"normal": 1, "unknown": 2, "control": 3, "user": 4, "byte": 6}


def main() -> None:
    """Write the directory, then the GGUF files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("size", choices=SHAPES)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--tokenizer", type=Path, required=True, help="Gemma's tokenizer.json")
    parser.add_argument("--llama", type=Path, help="llama.cpp's source")
    parser.add_argument("--build", type=Path, help="llama.cpp's build")
    options = parser.parse_args()
    if not (options.directory / "config.json").exists():
        write_weights(options.size, options.directory)
        write_tokenizer(options.directory, json.loads(options.tokenizer.read_text(encoding="utf-8")))
    if options.llama:
        write_gguf(options.directory, options.llama, options.build)


def write_weights(size: str, directory: Path) -> None:
    """A `GemmaForCausalLM` of normal weights in bfloat16, in shards of 5 GB as the released files are."""
    import torch
    from transformers import GemmaConfig, GemmaForCausalLM

    torch.manual_seed(0)
    torch.set_default_dtype(torch.bfloat16)
    config = GemmaConfig(
        **SHAPES[size],
        num_key_value_heads=KEY_VALUE_HEADS[size],
        head_dim=256,
        vocab_size=256_000,
        max_position_embeddings=8192,
        hidden_act="gelu_pytorch_tanh",
        hidden_activation="gelu_pytorch_tanh",
        dtype="bfloat16",
    )
    model = GemmaForCausalLM(config)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith("norm.weight"):  # zeros by default, which would hide a missing "1 +"
                weight.normal_(std=0.1)
    model.save_pretrained(directory, max_shard_size="5GB")


def write_tokenizer(directory: Path, definition: dict) -> None:
    """Gemma's vocabulary under CodeGemma's names, as tokenizer.json and as SentencePiece's tokenizer.model."""
    from transformers import PreTrainedTokenizerFast

    vocab = {NAMES.get(token, piece): token for piece, token in definition["model"]["vocab"].items()}
    definition["model"]["vocab"] = vocab
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    definition["added_tokens"] += [{"id": token, "content": name, **flags} for token, name in NAMES.items()]
    file = directory / "tokenizer.json"
    file.write_text(json.dumps(definition, ensure_ascii=False), encoding="utf-8")
    special = {"bos_token": "<bos>", "eos_token": "<eos>", "unk_token": "<unk>", "pad_token": "<pad>"}
    PreTrainedTokenizerFast(tokenizer_file=str(file), **special).save_pretrained(directory)
    write_sentencepiece(directory / "tokenizer.model", vocab)


def write_sentencepiece(path: Path, vocab: dict[str, int]) -> None:
    """The model file that llama.cpp's converter asks for: pieces in the order of ids, scores falling with the id."""
    from sentencepiece import sentencepiece_model_pb2 as protobuf

    model = protobuf.ModelProto()
    for piece, token in sorted(vocab.items(), key=lambda item: item[1]):
        piece = "<0x09>" if piece == "\t" else piece  # which Transformers renames
        kind = piece_kind(piece, token)
        score = 0.0 if kind != "normal" else -float(token)
        model.pieces.add(piece=piece, score=score, type=PIECE_KINDS[kind])
    model.trainer_spec.model_type = 2  # BPE
    model.trainer_spec.byte_fallback = True
    model.trainer_spec.pad_id, model.trainer_spec.eos_id = 0, 1
    model.trainer_spec.bos_id, model.trainer_spec.unk_id = 2, 3
    model.normalizer_spec.add_dummy_prefix = False
    model.normalizer_spec.remove_extra_whitespaces = False
    path.write_bytes(model.SerializeToString())


def piece_kind(piece: str, token: int) -> str:
    """What SentencePiece calls a piece of Gemma's vocabulary."""
    if token == 3:
        return "unknown"
    if token in (0, 1, 2) or token in NAMES:
        return "control"
    if re.fullmatch("<0x[0-9A-F]{2}>", piece):
        return "byte"
    return "user" if token < 217 else "normal"


def write_gguf(directory: Path, source: Path, build: Path) -> None:
    """DIRECTORY-bf16.gguf by the converter, then -Q8_0 and -Q4_0 by `llama-quantize`."""
    bf16 = Path(f"{directory}-bf16.gguf")
    if not bf16.exists():
        converter = [sys.executable, str(source / "convert_hf_to_gguf.py"), str(directory)]
        environment = {**os.environ, "PYTHONPATH": str(source / "gguf-py")}
        subprocess.run([*converter, "--outtype", "bf16", "--outfile", str(bf16)], env=environment, check=True)
    for kind in ("Q8_0", "Q4_0"):
        made = Path(f"{directory}-{kind}.gguf")
        if not made.exists():
            subprocess.run([str(build / "bin" / "llama-quantize"), str(bf16), str(made), kind, "2"], check=True)


if __name__ == "__main__":
    main()
