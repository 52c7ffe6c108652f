// llama.cpp as a peer: answers questions about one GGUF file, by the library's own C interface.
//
//   llama_peer MODEL.gguf THREADS < questions
//
// Each question is one line, and so is each answer:
//   special                      ids of bos eos fim_prefix fim_suffix fim_middle file_separator end_of_turn,
//                                whether BOS is added, whether the separator ends a text
//   tokens SIZE                  (SIZE bytes of text follow) ids of the text, without BOS
//   greedy COUNT ID...           the COUNT likeliest next ids
//   logits PATH ID...            float32 logits [ids, vocabulary] are written to PATH; answers "done"
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "llama.h"

namespace {

using Tokens = std::vector<llama_token>;

struct Peer {
    llama_model *model = nullptr;
    llama_context *context = nullptr;
    const llama_vocab *vocab = nullptr;
    int vocab_size = 0;
};

void fail(const std::string &why) {
    std::cerr << why << std::endl;
    std::exit(1);
}

Peer open_model(const char *path, int threads) {
    Peer peer;
    llama_model_params model_params = llama_model_default_params();
    model_params.n_gpu_layers = 0;
    peer.model = llama_model_load_from_file(path, model_params);
    if (!peer.model) fail("llama.cpp can't load the model");
    llama_context_params params = llama_context_default_params();
    params.n_ctx = params.n_batch = params.n_ubatch = 1024;
    params.n_threads = params.n_threads_batch = threads;
    params.type_k = params.type_v = GGML_TYPE_F32;  // the default rounds keys and values to 16 bits
    params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
    peer.context = llama_init_from_model(peer.model, params);
    if (!peer.context) fail("llama.cpp can't make a context");
    peer.vocab = llama_model_get_vocab(peer.model);
    peer.vocab_size = llama_vocab_n_tokens(peer.vocab);
    return peer;
}

void feed(Peer &peer, const Tokens &tokens, int first, bool all_logits) {
    llama_batch batch = llama_batch_init(static_cast<int>(tokens.size()), 0, 1);
    batch.n_tokens = static_cast<int>(tokens.size());
    for (int i = 0; i < batch.n_tokens; ++i) {
        batch.token[i] = tokens[i];
        batch.pos[i] = first + i;
        batch.n_seq_id[i] = 1;
        batch.seq_id[i][0] = 0;
        batch.logits[i] = all_logits || i + 1 == batch.n_tokens;
    }
    if (llama_decode(peer.context, batch) != 0) fail("llama_decode failed");
    llama_batch_free(batch);
}

Tokens ids_of(std::istringstream &line) {
    Tokens ids;
    for (llama_token id; line >> id;) ids.push_back(id);
    return ids;
}

void print(const Tokens &ids) {
    for (size_t i = 0; i < ids.size(); ++i) std::cout << (i ? " " : "") << ids[i];
    std::cout << std::endl;
}

void answer_tokens(Peer &peer, size_t size) {
    std::string text(size, '\0');
    std::cin.read(text.data(), static_cast<std::streamsize>(size));
    Tokens ids(size + 8);
    const int count = llama_tokenize(peer.vocab, text.data(), static_cast<int>(size), ids.data(),
                                     static_cast<int>(ids.size()), false, false);
    if (count < 0) fail("llama_tokenize failed");
    ids.resize(static_cast<size_t>(count));
    print(ids);
}

void answer_greedy(Peer &peer, int count, Tokens ids) {
    llama_memory_clear(llama_get_memory(peer.context), true);
    Tokens answer, next = ids;
    int position = 0;
    while (static_cast<int>(answer.size()) < count) {
        feed(peer, next, position, false);
        position += static_cast<int>(next.size());
        const float *logits = llama_get_logits_ith(peer.context, -1);
        next = {static_cast<llama_token>(std::max_element(logits, logits + peer.vocab_size) - logits)};
        answer.push_back(next[0]);
    }
    print(answer);
}

void answer_logits(Peer &peer, const std::string &path, const Tokens &ids) {
    llama_memory_clear(llama_get_memory(peer.context), true);
    feed(peer, ids, 0, true);
    std::ofstream file(path, std::ios::binary);
    for (size_t i = 0; i < ids.size(); ++i) {
        const float *logits = llama_get_logits_ith(peer.context, static_cast<int>(i));
        file.write(reinterpret_cast<const char *>(logits), static_cast<std::streamsize>(sizeof(float)) * peer.vocab_size);
    }
    std::cout << "done" << std::endl;
}

void answer_special(Peer &peer) {
    const llama_vocab *v = peer.vocab;
    const llama_token separator = llama_vocab_fim_sep(v);
    print({llama_vocab_bos(v), llama_vocab_eos(v), llama_vocab_fim_pre(v), llama_vocab_fim_suf(v),
           llama_vocab_fim_mid(v), separator, llama_vocab_eot(v), llama_vocab_get_add_bos(v),
           llama_vocab_is_eog(v, separator)});
}

}  // namespace

int main(int argc, char **argv) {
    if (argc != 3) fail("usage: llama_peer MODEL.gguf THREADS");
    llama_log_set([](ggml_log_level level, const char *text, void *) {
        if (level == GGML_LOG_LEVEL_ERROR) std::cerr << text;
    }, nullptr);
    llama_backend_init();
    Peer peer = open_model(argv[1], std::atoi(argv[2]));
    for (std::string text; std::getline(std::cin, text);) {
        std::istringstream line(text);
        std::string question, path;
        size_t number = 0;
        line >> question;
        if (question == "special") {
            answer_special(peer);
        } else if (question == "tokens" && line >> number) {
            answer_tokens(peer, number);
        } else if (question == "greedy" && line >> number) {
            answer_greedy(peer, static_cast<int>(number), ids_of(line));
        } else if (question == "logits" && line >> path) {
            answer_logits(peer, path, ids_of(line));
        } else {
            fail("unknown question: " + text);
        }
    }
    llama_free(peer.context);
    llama_model_free(peer.model);
}
