using Cria.Formats;
using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Cria.Training.Modules;

/// <summary>
/// The Llama 3.2 text model as a TorchSharp module, with the parameter names of Hugging Face checkpoints. Weights are F32; matrix
/// products run in <see cref="Compute"/>, norms, RoPE and the residual stream in F32. Not thread-safe.
/// </summary>
sealed class TextModule : nn.Module
{
    readonly ModelConfig _config;
    readonly RotaryEmbedding _rotary;
    readonly Parameter _embedding;
    readonly Block[] _blocks;
    readonly Parameter _norm;
    readonly Parameter? _head;

    /// <summary>A model with random weights: N(0, 0.02), the matrices that write to the residual stream scaled by 1/sqrt(2 L) (training spec 1.2).</summary>
    public TextModule(ModelConfig config) : base("model")
    {
        (_config, _rotary) = (config, new RotaryEmbedding(config));
        _embedding = Matrix("model.embed_tokens.weight", config.VocabularySize, config.HiddenSize, 0.02);
        _blocks = [.. Enumerable.Range(0, config.LayerCount).Select(layer => new Block(this, layer))];
        _norm = Gain("model.norm.weight");
        if (!config.TiedEmbeddings)
            _head = Matrix("lm_head.weight", config.VocabularySize, config.HiddenSize, 0.02);
    }

    /// <summary>The type of the matrix products: BFloat16 for training, Float32 for parity.</summary>
    public ScalarType Compute { get; init; } = ScalarType.BFloat16;

    public ModelConfig Config => _config;

    /// <summary>Parameters by the names of a Hugging Face checkpoint.</summary>
    public Dictionary<string, Parameter> Weights { get; } = [];

    /// <summary>A model of the same shape and weights.</summary>
    public TextModule Copy()
    {
        var copy = new TextModule(_config) { Compute = Compute };
        copy.CopyFrom(this);
        return copy;
    }

    /// <summary>Takes over the weights of a model of the same shape.</summary>
    public void CopyFrom(TextModule other)
    {
        using var _ = no_grad();
        foreach (var (name, weight) in Weights)
            weight.copy_(other.Weights[name]);
    }

    /// <summary>Hidden states [B, S, D] F32 behind the last norm.</summary>
    /// <param name="tokens">[B, S] I64.</param>
    /// <param name="positions">[B, S] I64, restarting with every document.</param>
    /// <param name="mask">[B, 1, S, S], true where a token may look; null = causal over the whole row.</param>
    public Tensor Hidden(Tensor tokens, Tensor positions, Tensor? mask)
    {
        var (cos, sin) = _rotary.Tables(positions, Compute);
        var hidden = _embedding.index_select(0, tokens.flatten()).view(tokens.shape[0], tokens.shape[1], _config.HiddenSize);
        foreach (var block in _blocks)
            hidden = block.Forward(hidden, cos, sin, mask);
        return Norm(hidden, _norm);
    }

    /// <summary>Logits [rows, V] F32 of hidden states [rows, D].</summary>
    public Tensor Logits(Tensor hidden) => Linear(hidden.to(Compute), _head ?? _embedding).to(ScalarType.Float32);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _rotary.Dispose();
        base.Dispose(disposing);
    }

    Tensor Linear(Tensor x, Tensor weight) => F.linear(x, weight.to(Compute));

    Tensor Norm(Tensor x, Parameter gain) => x * (x.square().mean([-1], keepdim: true) + _config.NormEpsilon).rsqrt() * gain;

    Parameter Matrix(string name, int rows, int columns, double deviation) => Register(name, randn(rows, columns) * deviation);

    Parameter Gain(string name) => Register(name, ones(_config.HiddenSize));

    Parameter Register(string name, Tensor value)
    {
        var parameter = new Parameter(value);
        register_parameter(name.Replace('.', '_'), parameter);
        Weights.Add(name, parameter);
        return parameter;
    }

    /// <summary>a = h + Attention(norm(h)); out = a + FeedForward(norm(a)).</summary>
    sealed class Block
    {
        readonly TextModule _model;
        readonly Parameter _attentionNorm, _query, _key, _value, _output, _feedForwardNorm, _gate, _up, _down;

        public Block(TextModule model, int layer)
        {
            var (c, name) = (model._config, $"model.layers.{layer}.");
            var residual = 0.02 / Math.Sqrt(2 * c.LayerCount);
            _model = model;
            _attentionNorm = model.Gain(name + "input_layernorm.weight");
            _query = model.Matrix(name + "self_attn.q_proj.weight", c.HeadCount * c.HeadSize, c.HiddenSize, 0.02);
            _key = model.Matrix(name + "self_attn.k_proj.weight", c.KvHeadCount * c.HeadSize, c.HiddenSize, 0.02);
            _value = model.Matrix(name + "self_attn.v_proj.weight", c.KvHeadCount * c.HeadSize, c.HiddenSize, 0.02);
            _output = model.Matrix(name + "self_attn.o_proj.weight", c.HiddenSize, c.HeadCount * c.HeadSize, residual);
            _feedForwardNorm = model.Gain(name + "post_attention_layernorm.weight");
            _gate = model.Matrix(name + "mlp.gate_proj.weight", c.FeedForwardSize, c.HiddenSize, 0.02);
            _up = model.Matrix(name + "mlp.up_proj.weight", c.FeedForwardSize, c.HiddenSize, 0.02);
            _down = model.Matrix(name + "mlp.down_proj.weight", c.HiddenSize, c.FeedForwardSize, residual);
        }

        public Tensor Forward(Tensor hidden, Tensor cos, Tensor sin, Tensor? mask)
        {
            hidden = hidden + Attention(_model.Norm(hidden, _attentionNorm).to(_model.Compute), cos, sin, mask);
            return hidden + FeedForward(_model.Norm(hidden, _feedForwardNorm).to(_model.Compute));
        }

        Tensor Attention(Tensor x, Tensor cos, Tensor sin, Tensor? mask)
        {
            var c = _model._config;
            var (rotated, all) = (c.HeadCount + c.KvHeadCount, c.HeadCount + 2 * c.KvHeadCount);
            using var weights = cat([_query, _key, _value], dim: 0);
            var heads = _model.Linear(x, weights).unflatten(2, all, c.HeadSize).transpose(1, 2); // [B, H + 2K, S, d]
            var queryKey = RotaryEmbedding.Apply(heads.narrow(1, 0, rotated), cos, sin);
            var (query, key) = (queryKey.narrow(1, 0, c.HeadCount), queryKey.narrow(1, c.HeadCount, c.KvHeadCount));
            var value = heads.narrow(1, rotated, c.KvHeadCount);
            var context = F.scaled_dot_product_attention(query, Share(key), Share(value), mask, is_casual: mask is null);
            return _model.Linear(context.transpose(1, 2).flatten(2), _output).to(ScalarType.Float32);
        }

        Tensor FeedForward(Tensor x)
        {
            using var weights = cat([_gate, _up], dim: 0);
            var gateUp = _model.Linear(x, weights).chunk(2, dim: -1);
            return _model.Linear(F.silu(gateUp[0]) * gateUp[1], _down).to(ScalarType.Float32);
        }

        /// <summary>Consecutive query heads share a key and value head.</summary>
        Tensor Share(Tensor x)
        {
            var group = _model._config.HeadCount / _model._config.KvHeadCount;
            return group == 1 ? x : x.repeat_interleave(group, dim: 1);
        }
    }
}
