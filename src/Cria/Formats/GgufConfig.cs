using Cria.Tensors;

namespace Cria.Formats;

/// <summary>The hyperparameters in a GGUF file's metadata, keys `llama.*`.</summary>
static class GgufConfig
{
    const int MaxText = 256;

    public static ModelConfig Read(GgufFile file, Tensor? embedding, Tensor? factors, bool tied)
    {
        CheckArchitecture(file);
        var hidden = Required("embedding_length", ModelLimits.Width);
        var heads = Required("attention.head_count", ModelLimits.Heads);
        var kvHeads = file.Integer("llama.attention.head_count_kv", 1, ModelLimits.Heads) ?? heads;
        if (heads % kvHeads != 0)
            throw file.Error("llama.attention.head_count", $"is {heads}, no multiple of llama.attention.head_count_kv {kvHeads}");
        var headSize = file.Integer("llama.attention.key_length", 2, ModelLimits.HeadSize)
            ?? (hidden % heads == 0 ? hidden / heads : throw file.Error("llama.embedding_length", $"is {hidden}, no multiple of llama.attention.head_count {heads}"));
        if (headSize % 2 != 0)
            throw file.Error("llama.attention.key_length", $"is {headSize}, RoPE needs an even one");
        foreach (var key in (string[])["llama.attention.value_length", "llama.rope.dimension_count"])
            if ((file.Integer(key, 0, int.MaxValue) ?? headSize) is var size && size != headSize)
                throw file.Error(key, $"is {size}, only that of the keys, {headSize}, is supported");
        if (embedding is null)
            throw new CriaException($"{file.Path}: no tensor {TensorNames.Gguf.Of(TensorRole.Embedding)}");
        var vocabulary = embedding.Shape[0];
        if (vocabulary is < 1 or > ModelLimits.Vocabulary || (file.Integer("llama.vocab_size", 1, ModelLimits.Vocabulary) ?? vocabulary) != vocabulary)
            throw new CriaException($"{embedding.File}: {embedding.Name} has {vocabulary} rows, not those of llama.vocab_size");
        return new ModelConfig
        {
            HiddenSize = hidden,
            LayerCount = Required("block_count", ModelLimits.Layers),
            HeadCount = heads,
            KvHeadCount = kvHeads,
            HeadSize = headSize,
            FeedForwardSize = Required("feed_forward_length", ModelLimits.FeedForward),
            VocabularySize = (int)vocabulary,
            MaxPositions = Required("context_length", int.MaxValue),
            NormEpsilon = file.Number("llama.attention.layer_norm_rms_epsilon", 0) ?? throw file.Error("llama.attention.layer_norm_rms_epsilon", "is missing"),
            RopeTheta = file.Number("llama.rope.freq_base", 0) ?? 10000,
            RopeFactors = factors is null ? null : ReadFactors(factors, headSize / 2),
            AdjacentPairs = true,
            TiedEmbeddings = tied,
            BosId = file.Flag("tokenizer.ggml.add_bos_token") == false ? null : file.Integer("tokenizer.ggml.bos_token_id", 0, (int)vocabulary - 1),
        };

        int Required(string key, int max) => file.Integer("llama." + key, 1, max) ?? throw file.Error("llama." + key, "is missing");
    }

    /// <summary>Refuses what is no Llama of the kind the engine computes.</summary>
    /// <exception cref="CriaException">It is another architecture.</exception>
    public static void CheckArchitecture(GgufFile file)
    {
        const string Key = "general.architecture";
        var architecture = file.Text(Key, MaxText) ?? throw file.Error(Key, "is missing");
        if (architecture != "llama")
            throw file.Error(Key, $"is {OneLine.Quote(architecture)}, only \"llama\" is supported");
        if (file.Text("llama.rope.scaling.type", MaxText) is { } scaling and not "none")
            throw file.Error("llama.rope.scaling.type", $"is {OneLine.Quote(scaling)}; Llama 3 models have rope_freqs.weight instead");
        if (file.Integer("llama.expert_count", 0, int.MaxValue) is > 0)
            throw file.Error("llama.expert_count", "is not 0, mixtures of experts are not supported");
    }

    static float[] ReadFactors(Tensor tensor, int count)
    {
        if (tensor.Type != ElementType.F32 || tensor.Count != count)
            throw new CriaException($"{tensor.File}: {tensor.Name} is {tensor.Type.Name()} {tensor.ShapeText}, not {count} F32 factors");
        var factors = new float[count];
        tensor.CopyTo(factors);
        return Array.TrueForAll(factors, f => float.IsFinite(f) && f > 0) ? factors
            : throw new CriaException($"{tensor.File}: {tensor.Name} holds a factor that is not positive");
    }
}
