using System.Runtime.InteropServices;
using Cria.Formats;
using Cria.Kernels;
using Cria.Tensors;

namespace Cria.Models;

/// <summary>
/// A Llama 3 text model: h = embedding; h += attention(norm(h)) and h += SwiGLU(norm(h)) in every block; logits = W norm(h)
/// (spec section 2; Grattafiori et al. 2024). In the blocks that a vision model has besides, rows attend to the images of their sequence, and what is added
/// goes through gates; rows that see none pass by (spec llama32-vision 4). A row's logits depend, bit for bit, on its sequence alone: not on the rest of the
/// batch, not on how the text was cut into forwards, not on the number of threads. One caller at a time.
/// </summary>
public sealed unsafe class TextModel : IDisposable
{
    /// <summary>Rows computed together; longer batches run in several passes.</summary>
    const int PassRows = 256;

    const int MaxThreads = 1024;

    readonly Checkpoint _checkpoint;
    readonly Compute _compute;
    readonly KvCache _cache;
    readonly Rope _rope;
    readonly AttentionRuns _attention;
    readonly ImageReader? _images; // of a vision model
    readonly Activations _activations = new();
    readonly RowAdapters _adapters = new();
    readonly Embedding _embedding;
    readonly Embedding? _imageEmbedding;
    readonly Block[] _blocks;
    readonly Norm _norm;
    readonly Linear _output;
    Adapter? _adapter;
    bool _disposed;

    internal TextModel(Checkpoint checkpoint, ModelOptions options, KernelSet kernels)
    {
        if (options.Threads is < 1 or > MaxThreads)
            throw new CriaException($"threads is {options.Threads}; it must be between 1 and {MaxThreads}");
        (_checkpoint, Config) = (checkpoint, checkpoint.Config);
        Options = options with { Kv = options.Kv ?? DefaultKv(options.Compute), Threads = options.Threads ?? Environment.ProcessorCount };
        _cache = new KvCache(Config.LayerCount - Config.CrossAttentionLayers.Count, Config.KvHeadCount, Config.HeadSize, Options.Kv.Value, kernels);
        _compute = new Compute(kernels, Options.Threads.Value, Options.Compute == ComputeType.BF16, Options.Weights == WeightPlacement.Repacked);
        _rope = new Rope(Config);
        _attention = new AttentionRuns(_cache.Format, Config.HeadCount, Config.KvHeadCount, _compute);
        _embedding = new Embedding(checkpoint.Get(TensorRole.Embedding),
            Config.Quantization is null ? null : checkpoint.Part(TensorRole.Embedding, 0, MetaQuantization.Scales));
        _imageEmbedding = Config.Vision is null ? null : new Embedding(checkpoint.Get(TensorRole.ImageEmbedding), null);
        _blocks = new Block[Config.LayerCount];
        for (int layer = 0, self = 0, cross = 0; layer < _blocks.Length; layer++)
            _blocks[layer] = Config.CrossAttentionLayers.Contains(layer) ? CrossBlock(layer, cross++) : SelfBlock(layer, self++);
        _images = Config.Vision is null ? null : new ImageReader(checkpoint, Options.Kv.Value, exact: Options.Compute == ComputeType.F32 || Options.Kv == KvType.F32, _compute);
        _norm = Norm(TensorRole.FinalNorm);
        _output = Linear(TensorRole.Output);
    }

    /// <summary>Opens a model, a path or a name that `cria models` lists; the weights are mapped and come into memory as they are used.</summary>
    /// <exception cref="CriaException">There is no such model, or it is not valid, or the options do not fit it.</exception>
    public static TextModel Load(string nameOrPath, ModelOptions? options = null)
    {
        var checkpoint = Checkpoint.Open(ModelLocator.Resolve(nameOrPath));
        TextModel? model = null;
        try
        {
            model = new TextModel(checkpoint, options ?? new ModelOptions(), KernelSet.Best);
            model._adapter = model.Options.Adapter is { } adapter ? model.LoadAdapter(adapter) : null;
            return model;
        }
        catch
        {
            model?.Dispose();
            checkpoint.Dispose();
            throw;
        }
    }

    /// <summary>The hyperparameters.</summary>
    public ModelConfig Config { get; }

    /// <summary>How the model wants to be sampled.</summary>
    public GenerationDefaults Defaults => _checkpoint.Generation;

    /// <summary>The options in effect: what was left open is filled in.</summary>
    public ModelOptions Options { get; }

    /// <summary>Bytes that the sequences of this model hold, those of images included, and what a <c>Generator</c> keeps of ended ones; what several share counts once.</summary>
    public long CacheBytes => _cache.Bytes + (_images?.Cache.Bytes ?? 0);

    internal KvCache Cache => _cache;

    /// <summary>The pages of images; null for a text model.</summary>
    internal KvCache? ImageCache => _images?.Cache;

    internal Checkpoint Checkpoint => _checkpoint;

    /// <summary>The image encoder of a vision model.</summary>
    internal VisionModel? Vision => _images?.Vision;

    /// <inheritdoc cref="RowAdapters.Observer"/>
    internal InputObserver? InputObserver { set => _adapters.Observer = value; }

    /// <summary>The threads of the kernels, for the caller of <see cref="Forward(ReadOnlySpan{Row}, Span{float}, CancellationToken)"/> between two of them.</summary>
    internal WorkerPool Workers => _compute.Pool;

    /// <summary>An empty sequence.</summary>
    /// <param name="adapter">One of <see cref="LoadAdapter"/>, with which its rows are computed; null for that of <see cref="ModelOptions.Adapter"/>, if any.</param>
    /// <exception cref="ArgumentException">The adapter is another model's.</exception>
    /// <exception cref="ObjectDisposedException">The model or the adapter is disposed.</exception>
    public Sequence CreateSequence(Adapter? adapter = null)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        adapter ??= _adapter;
        adapter?.Acquire(_compute);
        return new Sequence(_cache, adapter, _images?.Cache, Config.ImageTokenId);
    }

    /// <summary>
    /// Loads a LoRA adapter in PEFT's format beside the weights: `adapter_config.json` and `adapter_model.safetensors`. Rows of one batch may have
    /// different ones. May be called while another thread runs a forward.
    /// </summary>
    /// <param name="nameOrPath">The adapter's directory, or a name that `cria models` lists.</param>
    /// <exception cref="CriaException">There is none, it is not valid, or it does not fit this model.</exception>
    public Adapter LoadAdapter(string nameOrPath)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return new Adapter(ModelLocator.Resolve(nameOrPath), _checkpoint, _compute);
    }

    /// <summary>
    /// Reads an image, for <see cref="Sequence.Add"/>: nearly all the work of a short question about it.
    /// </summary>
    /// <param name="image">The tiles that <see cref="ImageTransform"/> makes.</param>
    /// <param name="adapter">That of the sequences it is for; null for that of <see cref="ModelOptions.Adapter"/>, if any.</param>
    /// <param name="cancellation">Looked at several times a second.</param>
    /// <exception cref="CriaException">The model takes no images, or the tiles are of another size.</exception>
    public ImageFeatures ReadImage(ImageTiles image, Adapter? adapter = null, CancellationToken cancellation = default)
    {
        using var reading = BeginImage(image, AdapterOfImages(adapter));
        while (!reading.Advance())
            cancellation.ThrowIfCancellationRequested();
        return reading.Take();
    }

    /// <summary>The transform that makes the tiles of this model's images; null for a text model.</summary>
    public ImageTransform? ImageTransform => Config.Vision is { } vision ? new(vision.TileSize, vision.MaxTiles) { Threads = Options.Threads!.Value } : null;

    /// <summary>Bytes that an image will take.</summary>
    internal long BytesOf(ImageTiles image) => ImageFeatures.BytesOf(_images!.Vision.Tokens(image), _images.Cache);

    /// <summary>The adapter that images are read with for sequences of an adapter: none if it changes nothing of that.</summary>
    internal Adapter? AdapterOfImages(Adapter? adapter) => (adapter ?? _adapter)?.OfImages;

    /// <summary>The same in steps of a fraction of a second, with one of <see cref="AdapterOfImages"/>; one image at a time, and no forward within a step.</summary>
    internal ImageReading BeginImage(ImageTiles image, Adapter? adapter)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return new((_images ?? throw new CriaException($"{_checkpoint.Path}: the model takes no images")), image, adapter, _compute);
    }

    /// <summary>
    /// Reads a batch of rows of any number of sequences; the rows of one sequence are at consecutive positions from its length on.
    /// </summary>
    /// <param name="rows">The batch; any size.</param>
    /// <param name="logits">Gets <see cref="ModelConfig.VocabularySize"/> values for each row that wants them, in row order.</param>
    /// <param name="cancellation">Looked at between layers.</param>
    /// <exception cref="CriaException">A token is not in the vocabulary, or a position is beyond the model's last.</exception>
    /// <exception cref="ArgumentException">Positions are not consecutive, or <paramref name="logits"/> has another size.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; like after every exception, no sequence has grown.</exception>
    public void Forward(ReadOnlySpan<Row> rows, Span<float> logits, CancellationToken cancellation = default) => Forward(rows, logits, [], cancellation);

    /// <inheritdoc cref="Forward(ReadOnlySpan{Row}, Span{float}, CancellationToken)"/>
    /// <param name="rows">The batch; any size.</param>
    /// <param name="logits">Gets <see cref="ModelConfig.VocabularySize"/> values for each row that wants them, in row order.</param>
    /// <param name="states">Gets <see cref="ModelConfig.HiddenSize"/> values for each row that wants its last hidden state, in row order.</param>
    /// <param name="cancellation">Looked at between layers.</param>
    /// <exception cref="ArgumentException">Positions are not consecutive, or <paramref name="logits"/> or <paramref name="states"/> has another size.</exception>
    public void Forward(ReadOnlySpan<Row> rows, Span<float> logits, Span<float> states, CancellationToken cancellation = default)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        Check(rows, logits.Length, states.Length);
        try
        {
            foreach (var row in rows)
                row.Sequence.Grow();
            fixed (float* firstLogit = logits, firstState = states)
            {
                float* logit = firstLogit, state = firstState;
                for (var start = 0; start < rows.Length; start += PassRows)
                    Pass(rows.Slice(start, Math.Min(PassRows, rows.Length - start)), ref logit, ref state, cancellation);
            }
        }
        catch
        {
            foreach (var row in rows)
                row.Sequence.RollBack();
            throw;
        }
        foreach (var row in rows)
            row.Sequence.Commit();
    }

    /// <summary>Computes up to <see cref="PassRows"/> rows; goes on behind the logits and the states that were written.</summary>
    void Pass(ReadOnlySpan<Row> batch, ref float* logits, ref float* states, CancellationToken cancellation)
    {
        var rows = batch.ToArray();
        var (h, x, q, k, v, a, gate, up) = _activations.Reserve(rows.Length, Config);
        for (var i = 0; i < rows.Length; i++)
            LookUp(rows[i], h[i]);                                                  // [rows, D]
        _rope.Prepare(rows);
        PrepareAttention(rows);
        _images?.Prepare(rows);
        _adapters.Prepare(rows);

        foreach (var block in _blocks)
        {
            cancellation.ThrowIfCancellationRequested();
            if (block is CrossBlock cross)
            {
                Attend(cross, rows, h);
                continue;
            }
            var self = (SelfBlock)block;
            self.AttentionNorm.Apply(h, x);
            self.Query.Apply(x, q);                                                 // [rows, H d]
            self.Key.Apply(x, k);                                                   // [rows, K d]
            self.Value.Apply(x, v);
            _rope.Rotate(_compute, q);
            _rope.Rotate(_compute, k);
            _cache.Write(_compute, self.Index, i => (rows[i].Sequence.Pages[rows[i].Position / KvCache.PagePositions], rows[i].Position), k, v);
            _attention.Apply(_cache.Offset(self.Index), q, a);
            self.Output.Apply(a, x);
            _compute.Add(h, x);

            self.FeedForward.Apply(h, x, gate, up);
            _compute.Add(h, x);
        }

        rows = Select(h, rows, row => row.WantsLogits || row.WantsState);
        if (rows.Length == 0)
            return;
        _norm.Apply(h.Slice(0, rows.Length), x.Slice(0, rows.Length));              // [wanted, D]
        for (var i = 0; i < rows.Length; i++)
        {
            if (!rows[i].WantsState)
                continue;
            Copy(x[i], states);
            states += Config.HiddenSize;
        }
        rows = Select(x, rows, row => row.WantsLogits);
        if (rows.Length == 0)
            return;
        var result = new Matrix(logits, rows.Length, Config.VocabularySize);        // [wanted, V]
        _output.Apply(x.Slice(0, rows.Length), result);
        logits += result.Count;
    }

    /// <summary>A block of images, for the rows that see one.</summary>
    void Attend(CrossBlock block, Row[] batch, Matrix all)
    {
        var rows = _images!.Seeing;                                                 // which see an image
        if (rows.Count == 0)
            return;
        var (h, x, q, a, gate, up) = _activations.ReserveSeeing(rows.Count, Config);
        for (var i = 0; i < rows.Count; i++)
            Copy(all[rows[i]], h[i]);
        _adapters.Prepare([.. rows.Select(row => batch[row])]);

        block.AttentionNorm.Apply(h, x);
        block.Query.Apply(x, q);
        block.QueryNorm.Apply(q.InRowsOf(Config.HeadSize), q.InRowsOf(Config.HeadSize));
        _images.Attend(block.Index, q, a);
        block.Output.Apply(a, x);
        _compute.AddScaled(h, x, block.AttentionGate);

        block.FeedForward.Apply(h, x, gate, up);
        _compute.AddScaled(h, x, block.FeedForwardGate);

        for (var i = 0; i < rows.Count; i++)
            Copy(h[i], all[rows[i]]);
        _adapters.Prepare(batch);
    }

    /// <summary>The embedding of a row's token as its adapter has it.</summary>
    void LookUp(in Row row, float* target)
    {
        if (row.Token == Config.ImageTokenId)
            _imageEmbedding!.Lookup(0, target);
        else
            _embedding.Lookup(row.Token, target);
        row.Sequence.Adapter?.Embedding?.Apply(row.Token, new Span<float>(target, Config.HiddenSize));
    }

    void PrepareAttention(Row[] rows)
    {
        _attention.Clear();
        for (int first = 0, end; first < rows.Length; first = end)
        {
            for (end = first + 1; end < rows.Length && rows[end].Sequence == rows[first].Sequence;)
                end++;
            _attention.Add(first, end - first, new AttentionPart(rows[first].Sequence.Pages, rows[first].Position, Step: 1));
        }
        _attention.Schedule();
    }

    /// <summary>Moves the rows that are wanted to the front; the products that follow are of them.</summary>
    Row[] Select(Matrix x, Row[] rows, Predicate<Row> isWanted)
    {
        var wanted = 0;
        for (var i = 0; i < rows.Length; i++)
            if (isWanted(rows[i]))
                Copy(x[i], x[wanted++]);
        rows = Array.FindAll(rows, isWanted);
        _adapters.Prepare(rows);
        return rows;
    }

    void Copy(float* from, float* to) => NativeMemory.Copy(from, to, (nuint)Config.HiddenSize * sizeof(float));

    void Check(ReadOnlySpan<Row> rows, int logits, int states)
    {
        foreach (var row in rows)
        {
            ArgumentNullException.ThrowIfNull(row.Sequence, nameof(rows));
            row.Sequence.CheckUsable(_cache);
            row.Sequence.BeginPending();
        }
        var (asked, told) = (0L, 0L);
        foreach (var row in rows)
        {
            if ((uint)row.Token >= (uint)Config.VocabularySize && row.Token != Config.ImageTokenId)
                throw new CriaException($"token {row.Token} is not in the vocabulary of {Config.VocabularySize}");
            if (row.Position != row.Sequence.PendingLength)
                throw new ArgumentException($"a row at position {row.Position} follows {row.Sequence.PendingLength} positions of its sequence", nameof(rows));
            if (row.Position >= Config.MaxPositions)
                throw new CriaException($"the text is longer than the {Config.MaxPositions} positions of the model");
            row.Sequence.Pend(row.Token);
            asked += row.WantsLogits ? 1 : 0;
            told += row.WantsState ? 1 : 0;
        }
        if (asked * Config.VocabularySize != logits)
            throw new ArgumentException($"{logits} values for the logits of {asked} rows of {Config.VocabularySize}", nameof(logits));
        if (told * Config.HiddenSize != states)
            throw new ArgumentException($"{states} values for the states of {told} rows of {Config.HiddenSize}", nameof(states));
    }

    KvType DefaultKv(ComputeType compute) => compute switch
    {
        ComputeType.F32 => KvType.F32,
        ComputeType.BF16 => KvType.BF16,
        _ => _checkpoint.MatrixType switch { ElementType.F32 => KvType.F32, ElementType.BF16 => KvType.BF16, _ => KvType.F16 },
    };

    Linear Linear(TensorRole role, int layer = 0) => new(_checkpoint, role, layer, _adapters, _compute);

    Norm Norm(TensorRole role, int layer = 0) => new(_checkpoint, role, layer, _adapters, _compute);

    /// <summary>Frees the activations, stops the threads and unmaps the weights. Sequences still have to be disposed.</summary>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        _adapter?.Dispose();
        _adapters.Dispose();
        _compute.Dispose();
        _rope.Dispose();
        _attention.Dispose();
        _images?.Dispose();
        _activations.Dispose();
        _norm.Dispose();
        _output.Dispose();
        foreach (var block in _blocks)
            block.Dispose();
        _checkpoint.Dispose();
    }

    SelfBlock SelfBlock(int layer, int index) => new(index, Norm(TensorRole.AttentionNorm, layer),
        Linear(TensorRole.Query, layer), Linear(TensorRole.Key, layer), Linear(TensorRole.Value, layer), Linear(TensorRole.AttentionOutput, layer), SwiGlu(layer));

    CrossBlock CrossBlock(int layer, int index) => new(index, Norm(TensorRole.AttentionNorm, layer),
        Linear(TensorRole.CrossQuery, layer), new RmsNorm(_checkpoint.Get(TensorRole.CrossQueryNorm, layer), Config.NormEpsilon, _compute), Linear(TensorRole.CrossOutput, layer),
        VectorWeight.Gate(_checkpoint.Get(TensorRole.CrossAttentionGate, layer)), SwiGlu(layer), VectorWeight.Gate(_checkpoint.Get(TensorRole.CrossFeedForwardGate, layer)));

    SwiGlu SwiGlu(int layer) => new(Norm(TensorRole.FeedForwardNorm, layer), Linear(TensorRole.Gate, layer), Linear(TensorRole.Up, layer), Linear(TensorRole.Down, layer),
        _compute, Config.Quantization is { IsRotated: true });
}
