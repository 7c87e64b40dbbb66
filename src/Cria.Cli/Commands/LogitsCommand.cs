using System.CommandLine;
using System.Runtime.InteropServices;
using Cria.Formats;
using Cria.Models;
using Cria.Tensors;

namespace Cria.Cli.Commands;

/// <summary>`cria logits`: the logits after each token of a prompt, as a safetensors file.</summary>
static class LogitsCommand
{
    /// <summary>Rows of one forward.</summary>
    const int ChunkRows = 512;

    public static Command Create()
    {
        var special = new Option<bool>("--special") { Description = "Text of control tokens becomes their ids" };
        var positions = new Option<string?>("--positions") { Description = "Only these positions, in this order; negative ones count from the end" };
        var output = new Option<string>("--out") { Description = "The file to write: tensor logits F32 [positions, vocabulary]", Required = true }.NotEmpty();
        var command = new Command("logits", "The logits of a prompt.") { special, positions, output };
        var prompt = new PromptBinder(command, "--text");
        var model = new ModelOptionsBinder(command);
        command.SetAction((r, cancellation) =>
        {
            var path = model.Path(r);
            using var loaded = TextModel.Load(path, model.Options(r));
            var (ids, _) = prompt.Read(r, path, r.GetValue(special));
            int[] wanted = r.GetValue(positions) is { } list ? Positions(list, ids.Length) : [.. Enumerable.Range(0, ids.Length)];
            var images = prompt.Images(r, loaded, ids);
            Write(r.GetValue(output)!, Logits(loaded, ids, images, wanted, cancellation), wanted.Length, loaded.Config.VocabularySize);
            return Task.FromResult(0);
        });
        return command;
    }

    static int[] Positions(string list, int length)
    {
        var positions = Input.ParseIds(list, "--positions");
        for (var i = 0; i < positions.Length; i++)
        {
            if (positions[i] < -length || positions[i] >= length)
                throw new CriaException($"--positions: {positions[i]} is not a position of {length} tokens");
            if (positions[i] < 0)
                positions[i] += length;
        }
        return positions.Length > 0 ? positions : throw new CriaException("--positions is empty");
    }

    /// <summary>The logits [wanted, V] of the wanted positions, in their order; one may stand twice.</summary>
    static float[] Logits(TextModel model, int[] ids, ImageTiles[] images, int[] wanted, CancellationToken cancellation)
    {
        var vocabulary = model.Config.VocabularySize;
        if ((long)wanted.Length * vocabulary * sizeof(float) > int.MaxValue)
            throw new CriaException($"the logits of {wanted.Length} positions are larger than 2 GiB: ask for fewer with --positions");
        var logits = new float[wanted.Length * vocabulary];
        var places = Enumerable.Range(0, wanted.Length).ToLookup(i => wanted[i]);
        using var sequence = model.CreateSequence();
        foreach (var image in images)
        {
            using var features = model.ReadImage(image, cancellation: cancellation);
            sequence.Add(features);
        }
        var chunk = Array.Empty<float>();
        for (var start = 0; start < ids.Length; start += ChunkRows)
        {
            Row[] rows = [.. Enumerable.Range(start, Math.Min(ChunkRows, ids.Length - start))
                .Select(position => new Row(sequence, position, ids[position], places.Contains(position)))];
            var count = rows.Count(row => row.WantsLogits) * vocabulary;
            if (chunk.Length < count)
                chunk = new float[count];
            model.Forward(rows, chunk.AsSpan(0, count), cancellation);
            var next = 0;
            foreach (var row in rows.Where(row => row.WantsLogits))
            {
                foreach (var place in places[row.Position])
                    chunk.AsSpan(next, vocabulary).CopyTo(logits.AsSpan(place * vocabulary));
                next += vocabulary;
            }
        }
        return logits;
    }

    static void Write(string path, float[] logits, int rows, int vocabulary)
    {
        var bytes = new byte[logits.Length * sizeof(float)];
        MemoryMarshal.AsBytes(logits.AsSpan()).CopyTo(bytes);
        SafetensorsWriter.Write(path, [("logits", ElementType.F32, [rows, vocabulary], bytes)]);
    }
}
