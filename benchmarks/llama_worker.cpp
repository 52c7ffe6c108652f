// llama.cpp as a worker of cpu.py: loads once, then does one command a line on standard input and answers with
// one line of JSON. Uses the public API (llama.h) and the n-gram drafts of common/.
//
//     llama_worker MODEL CONTEXT THREADS BATCH FLASH KV
//
// BATCH is the largest number of tokens computed at once, FLASH is -1 (llama.cpp decides), 0 or 1, and KV is
// f16, bf16 or q8_0.
//
//     prompt ID...                  empty the cache, read these, and choose the next token
//     keep N ID...                  the same, but the first N tokens of the last prompt are still in the cache
//     decode COUNT                  write COUNT tokens greedily after the last prompt
//     replay DRAFT COUNT ID...      the trace of COUNT ids is what the model "chooses" after the last prompt; up to
//                                   DRAFT tokens are drafted from llama.cpp's n-gram cache, as its examples/lookup
//                                   does; with 0 it writes token by token
//
// A replay accepts a draft by comparing it with the trace, but chooses from the logits all the same, so that all
// the work of decoding is done.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "llama.h"
#include "ngram-cache.h"

namespace {

using Tokens = std::vector<llama_token>;

double now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void quiet(ggml_log_level level, const char * text, void *) {
    if (level >= GGML_LOG_LEVEL_WARN && level != GGML_LOG_LEVEL_CONT) fputs(text, stderr);
}

struct Replay {
    int steps = 0, drafted = 0, accepted = 0;
};

class Engine {
public:
    Engine(const char * path, int context, int threads, int batch, int flash, const std::string & kv) {
        llama_log_set(quiet, nullptr);
        llama_backend_init();
        model_ = llama_model_load_from_file(path, llama_model_default_params());
        if (!model_) throw std::runtime_error("the model does not load");
        llama_context_params wanted = llama_context_default_params();
        wanted.n_ctx = context;
        wanted.n_batch = context;
        wanted.n_ubatch = batch;
        wanted.n_threads = wanted.n_threads_batch = threads;
        wanted.flash_attn_type = static_cast<llama_flash_attn_type>(flash);
        wanted.type_k = wanted.type_v = kv == "q8_0" ? GGML_TYPE_Q8_0 : kv == "bf16" ? GGML_TYPE_BF16 : GGML_TYPE_F16;
        bytes_a_number_ = static_cast<double>(ggml_type_size(wanted.type_k)) / ggml_blck_size(wanted.type_k);
        context_ = llama_init_from_model(model_, wanted);
        if (!context_) throw std::runtime_error("the context can't be made");
        vocabulary_ = llama_vocab_n_tokens(llama_model_get_vocab(model_));
        batch_ = llama_batch_init(context, 0, 1);
    }

    ~Engine() {
        llama_batch_free(batch_);
        llama_free(context_);
        llama_model_free(model_);
    }

    Engine(const Engine &) = delete;
    Engine & operator=(const Engine &) = delete;

    // What decoding has to read: the weights, and keys and values for each position in the cache.
    double bytes() const { return static_cast<double>(llama_model_size(model_)); }

    double bytes_a_position() const {
        const int head = llama_model_n_embd(model_) / llama_model_n_head(model_);
        return 2.0 * llama_model_n_layer(model_) * llama_model_n_head_kv(model_) * head * bytes_a_number_;
    }

    void prompt(const Tokens & tokens, int kept) {
        history_.resize(kept);
        rewind(kept);
        history_.insert(history_.end(), tokens.begin(), tokens.end());
        compute(tokens, kept, false);
        next_ = choose(0);
    }

    void decode(int count) {
        const int start = static_cast<int>(history_.size());
        rewind(start);
        llama_token token = next_;
        for (int made = 1; made < count + 1; ++made) {
            compute({token}, start + made - 1, false);
            token = choose(0);
        }
    }

    Replay replay(int longest, const Tokens & trace) {
        Replay done;
        Tokens text = history_;
        rewind(static_cast<int>(text.size()));
        common_ngram_cache seen, none_before, none_stored;
        auto learn = [&](size_t count) {
            if (longest) common_ngram_cache_update(seen, LLAMA_NGRAM_MIN, LLAMA_NGRAM_MAX, text, count, false);
        };
        auto take = [&](llama_token token) {
            text.push_back(token);
            learn(1);
        };
        learn(text.size());
        // The first token of the trace is the answer to the prompt, which has been computed already.
        size_t at = 0;
        take(trace[at++]);
        while (at < trace.size()) {
            Tokens batch = {text.back()};
            if (longest) {
                common_ngram_cache_draft(text, batch, longest, LLAMA_NGRAM_MIN, LLAMA_NGRAM_MAX, seen, none_before,
                                         none_stored);
            }
            const int start = static_cast<int>(text.size()) - 1;
            compute(batch, start, true);
            done.steps += 1;
            done.drafted += static_cast<int>(batch.size()) - 1;
            for (size_t i = 0; i < batch.size() && at < trace.size(); ++i) {
                choose(static_cast<int>(i));
                take(trace[at++]);
                if (i + 1 == batch.size() || batch[i + 1] != text.back()) break;
                done.accepted += 1;
            }
            if (batch.size() > 1) rewind(static_cast<int>(text.size()) - 1);
        }
        return done;
    }

private:
    void rewind(int length) { llama_memory_seq_rm(llama_get_memory(context_), 0, length, -1); }

    void compute(const Tokens & tokens, int start, bool all_logits) {
        batch_.n_tokens = static_cast<int>(tokens.size());
        for (int i = 0; i < batch_.n_tokens; ++i) {
            batch_.token[i] = tokens[i];
            batch_.pos[i] = start + i;
            batch_.n_seq_id[i] = 1;
            batch_.seq_id[i][0] = 0;
            batch_.logits[i] = all_logits || i + 1 == batch_.n_tokens;
        }
        if (llama_decode(context_, batch_) != 0) throw std::runtime_error("llama_decode failed");
        all_logits_ = all_logits;
    }

    // The likeliest token; a plain loop, which is faster than llama.cpp's own greedy sampler.
    llama_token choose(int row) {
        const float * logits = llama_get_logits_ith(context_, all_logits_ ? row : -1);
        int best = 0;
        float top = logits[0];
        for (int i = 1; i < vocabulary_; ++i) {
            if (logits[i] > top) {
                top = logits[i];
                best = i;
            }
        }
        return best;
    }

    llama_model * model_ = nullptr;
    llama_context * context_ = nullptr;
    llama_batch batch_ = {};
    int vocabulary_ = 0;
    double bytes_a_number_ = 0;
    Tokens history_;
    llama_token next_ = 0;
    bool all_logits_ = false;
};

Tokens rest(std::istringstream & line) {
    Tokens tokens;
    for (llama_token token; line >> token;) tokens.push_back(token);
    return tokens;
}

void answer(Engine & engine, const std::string & command, std::istringstream & line) {
    int draft = 0, count = 0;
    Replay replayed;
    double start = 0;
    if (command == "prompt" || command == "keep") {
        if (command == "keep") line >> count;
        const Tokens tokens = rest(line);
        start = now();
        engine.prompt(tokens, count);
    } else if (command == "decode") {
        line >> count;
        start = now();
        engine.decode(count);
    } else if (command == "replay") {
        line >> draft >> count;
        const Tokens trace = rest(line);
        start = now();
        replayed = engine.replay(draft, trace);
    } else {
        throw std::runtime_error("unknown command " + command);
    }
    printf("{\"seconds\": %.6f, \"steps\": %d, \"drafted\": %d, \"accepted\": %d}\n", now() - start, replayed.steps,
           replayed.drafted, replayed.accepted);
    fflush(stdout);
}

}  // namespace

int main(int count, char ** words) {
    if (count != 7) {
        fprintf(stderr, "usage: llama_worker MODEL CONTEXT THREADS BATCH FLASH KV\n");
        return 2;
    }
    try {
        Engine engine(words[1], atoi(words[2]), atoi(words[3]), atoi(words[4]), atoi(words[5]), words[6]);
        printf("{\"bytes\": %.0f, \"bytes_a_position\": %.0f, \"system\": \"%s\"}\n", engine.bytes(),
               engine.bytes_a_position(), llama_print_system_info());
        fflush(stdout);
        for (std::string text, command; std::getline(std::cin, text);) {
            std::istringstream line(text);
            line >> command;
            answer(engine, command, line);
        }
    } catch (const std::exception & problem) {
        fprintf(stderr, "llama_worker: %s\n", problem.what());
        return 1;
    }
    return 0;
}
