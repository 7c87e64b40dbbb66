using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Text;
using Cria.Formats;
using Cria.Kernels;
using Cria.Models;
using Cria.Tensors;

namespace Cria.Conversion;

/// <summary>
/// How much the error of each column of a model's matrices counts: the mean square of what the column was multiplied by over a text. Files are
/// those of llama.cpp's `imatrix`: GGUF, which is written, or the older form. Safe from any number of threads once made.
/// </summary>
public sealed class ImportanceMatrix
{
    const string Sums = ".in_sum2", Counts = ".counts", Datasets = "imatrix.datasets", Kind = "general.type";
    const int MaxColumns = 1 << 24, MaxNames = 1 << 16;

    readonly Dictionary<string, (double[] Sums, long Count)> _entries = [];

    /// <summary>Runs texts through a model, each from an empty context, and gathers what its matrices are given.</summary>
    /// <param name="source">A model directory or file.</param>
    /// <param name="texts">Token ids; texts longer than one token.</param>
    /// <param name="options">How to run it.</param>
    /// <param name="progress">Told the number of texts done and the mean cross-entropy of their tokens so far, in nats.</param>
    /// <param name="cancellation">Looked at between layers.</param>
    /// <exception cref="CriaException">The source is not valid, is quantized in Meta's form, or a token is not in its vocabulary.</exception>
    public static ImportanceMatrix Collect(string source, IReadOnlyList<int[]> texts, ModelOptions options, Action<int, double>? progress = null, CancellationToken cancellation = default)
    {
        var matrix = new ImportanceMatrix();
        using var model = TextModel.Load(source, options);
        if (model.Config.Quantization is not null)
            throw new CriaException($"{source}: a model in Meta's quantized form");
        // A tied output matrix is the embedding, whose rows are read as well: what counts in one use need not in the other.
        var skipped = model.Config.TiedEmbeddings ? TensorRole.Output : (TensorRole?)null;
        model.InputObserver = (role, layer, input) =>
        {
            if (role != skipped)
                matrix.Add(TensorNames.Gguf.Of(role, layer), input);
        };
        var (loss, tokens, done) = (0.0, 0L, 0);
        foreach (var text in texts)
        {
            loss += Loss(model, text, cancellation);
            tokens += text.Length - 1;
            progress?.Invoke(++done, loss / Math.Max(1, tokens));
        }
        return matrix;
    }

    /// <summary>The sum of the cross-entropies of all tokens but the first; logits of a few rows at a time are in memory.</summary>
    static double Loss(TextModel model, int[] text, CancellationToken cancellation)
    {
        const int Chunk = 64;
        var (vocabulary, loss) = (model.Config.VocabularySize, 0.0);
        using var sequence = model.CreateSequence();
        var logits = new float[Math.Min(Chunk, text.Length) * vocabulary];
        for (var start = 0; start < text.Length; start += Chunk)
        {
            var count = Math.Min(Chunk, text.Length - start);
            model.Forward([.. Enumerable.Range(start, count).Select(i => new Row(sequence, i, text[i], true))], logits.AsSpan(0, count * vocabulary), cancellation);
            for (var i = 0; i < count && start + i + 1 < text.Length; i++)
            {
                var row = logits.AsSpan(i * vocabulary, vocabulary);
                var (largest, due) = (TensorPrimitives.Max<float>(row), row[text[start + i + 1]]);
                TensorPrimitives.Subtract(row, largest, row);
                TensorPrimitives.Exp<float>(row, row);
                loss += largest - due + Math.Log(TensorPrimitives.Sum<float>(row));
            }
        }
        return loss;
    }

    /// <summary>Adds the rows that a matrix multiplies.</summary>
    unsafe void Add(string name, Matrix input)
    {
        var (sums, count) = _entries.TryGetValue(name, out var entry) ? entry : (new double[input.Columns], 0);
        for (var row = 0; row < input.Rows; row++)
            for (var column = 0; column < sums.Length; column++)
                sums[column] += (double)input[row][column] * input[row][column];
        _entries[name] = (sums, count + input.Rows);
    }

    /// <summary>The importance of the columns of a tensor by its name in GGUF, empty where there is none.</summary>
    /// <exception cref="CriaException">It is for another number of columns.</exception>
    internal float[] Of(string tensor, long columns)
    {
        if (!_entries.TryGetValue(tensor, out var entry) || entry.Count == 0)
            return [];
        if (entry.Sums.Length != columns)
            throw new CriaException($"the importance matrix has {entry.Sums.Length} columns for {tensor}, which has {columns}");
        return [.. entry.Sums.Select(s => (float)(s / entry.Count))];
    }

    /// <summary>The tensors it has columns for.</summary>
    internal IReadOnlyCollection<string> Names => _entries.Keys;

    /// <summary>Writes a file, aside and then renamed.</summary>
    /// <param name="path">The file.</param>
    /// <param name="dataset">What the text was, for whoever reads the file.</param>
    /// <param name="chunkSize">Tokens of a text.</param>
    /// <exception cref="CriaException">A sum is not finite: the model's activations overflow.</exception>
    public void Write(string path, string dataset, int chunkSize)
    {
        var metadata = new GgufMetadata();
        metadata.Add(Kind, "imatrix");
        metadata.Add(Datasets, (IReadOnlyCollection<string>)[dataset]);
        metadata.Add("imatrix.chunk_count", (uint)(_entries.Values.Select(e => e.Count).DefaultIfEmpty().Max() / chunkSize));
        metadata.Add("imatrix.chunk_size", (uint)chunkSize);
        List<WrittenTensor> tensors = [];
        foreach (var (name, (sums, count)) in _entries)
        {
            float[] values = [.. sums.Select(s => (float)s)];
            if (!values.All(float.IsFinite))
                throw new CriaException($"{path}: the activations before {name} are not finite");
            tensors.Add(new(name + Sums, ElementType.F32, [values.Length], stream => stream.Write(MemoryMarshal.AsBytes<float>(values))));
            tensors.Add(new(name + Counts, ElementType.F32, [1], stream => stream.Write(MemoryMarshal.AsBytes<float>([count]))));
        }
        GgufWriter.Write(path, metadata, tensors);
    }

    /// <summary>Reads a file of either form.</summary>
    /// <exception cref="CriaException">It cannot be read or is not valid.</exception>
    public static ImportanceMatrix Read(string path)
    {
        var matrix = new ImportanceMatrix();
        if (GgufFile.Is(path))
            matrix.ReadGguf(path);
        else
            matrix.ReadOlder(path);
        return matrix._entries.Count > 0 ? matrix : throw new CriaException($"{path}: no importance of any tensor");
    }

    void ReadGguf(string path)
    {
        using var file = GgufFile.Open(path);
        if (file.Text(Kind, 64) is not "imatrix")
            throw file.Error(Kind, "is not \"imatrix\"");
        foreach (var tensor in file.Tensors.Where(t => t.Name.EndsWith(Sums, StringComparison.Ordinal)))
        {
            var name = tensor.Name[..^Sums.Length];
            var counts = file.Tensors.FirstOrDefault(t => t.Name == name + Counts) ?? throw new CriaException($"{path}: {tensor.Name} but no {name + Counts}");
            if (tensor.Type != ElementType.F32 || counts.Type != ElementType.F32 || counts.Count != 1 || tensor.Count is 0 or > MaxColumns)
                throw new CriaException($"{path}: {name}: not one float32 for each column and one count");
            var (sums, count) = (new float[tensor.Count], new float[1]);
            tensor.CopyTo(sums);
            counts.CopyTo(count);
            Add(path, name, sums, count[0]);
        }
    }

    /// <summary>Entries of name, calls and the mean square times calls (all int32, float32), then how the file was made.</summary>
    void ReadOlder(string path)
    {
        try
        {
            using var reader = new BinaryReader(File.OpenRead(path));
            var entries = Count(reader.ReadInt32(), MaxNames, "entries");
            for (var i = 0; i < entries; i++)
            {
                var name = Encoding.UTF8.GetString(reader.ReadBytes(Count(reader.ReadInt32(), 1024, "bytes of a name")));
                var (calls, columns) = (reader.ReadInt32(), reader.ReadInt32());
                Count(columns, (int)Math.Min(MaxColumns, (reader.BaseStream.Length - reader.BaseStream.Position) / sizeof(float)), $"columns of {OneLine.Cut(name)}");
                var sums = new float[columns];
                reader.BaseStream.ReadExactly(MemoryMarshal.AsBytes(sums.AsSpan()));
                Add(path, name, sums, calls);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CriaException(e is EndOfStreamException ? $"{path}: ends within an entry of an importance matrix" : OneLine.Show(e), e);
        }

        int Count(int count, int max, string what) => count > 0 && count <= max ? count : throw new CriaException($"{path}: {count} {what} of an importance matrix");
    }

    void Add(string path, string name, float[] sums, float count)
    {
        if (!(count >= 0 && float.IsFinite(count)) || !Array.TrueForAll(sums, s => s >= 0 && float.IsFinite(s)))
            throw new CriaException($"{path}: {OneLine.Cut(name)}: sums and count are not finite numbers from 0");
        if (!_entries.TryAdd(name, ([.. sums.Select(s => (double)s)], (long)count)))
            throw new CriaException($"{path}: {OneLine.Cut(name)} stands twice");
    }
}
