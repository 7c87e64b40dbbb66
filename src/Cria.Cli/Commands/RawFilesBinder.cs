using System.CommandLine;
using Cria.Formats;
using Cria.Kernels.Blocks;
using Cria.Tensors;

namespace Cria.Cli.Commands;

/// <summary>The options of verbs from one raw file to another, little-endian and with nothing around the numbers: --type, --in, --out.</summary>
sealed class RawFilesBinder
{
    /// <summary>One part of the input to the same part of the output.</summary>
    public delegate ReadOnlySpan<byte> Conversion(ReadOnlySpan<byte> part);

    readonly Option<string> type = new("--type") { Description = "Type of the blocks, such as f16, q8_0 or q4_k", Required = true };
    readonly Option<string> input = new Option<string>("--in") { Description = "The file to read", Required = true }.NotEmpty();
    readonly Option<string> output = new Option<string>("--out") { Description = "The file to write", Required = true }.NotEmpty();

    /// <summary>Adds the options to <paramref name="command"/>.</summary>
    public RawFilesBinder(Command command)
    {
        type.AcceptOnlyFromAmong([.. BlockFormats.Types.Select(t => t.Name().ToLowerInvariant())]);
        foreach (var option in new Option[] { type, input, output })
            command.Add(option);
    }

    public ElementType Type(ParseResult result) => Enum.Parse<ElementType>(result.GetValue(type)!, ignoreCase: true);

    public string Input(ParseResult result) => result.GetValue(input)!;

    /// <summary>Streams --in through <paramref name="convert"/> to --out in parts of at most <paramref name="partBytes"/>, whole units.</summary>
    /// <exception cref="CriaException">The input is not whole units.</exception>
    public void Convert(ParseResult result, long unitBytes, string unit, long partBytes, Conversion convert)
    {
        var path = Input(result);
        using var source = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        if (source.Length % unitBytes != 0)
            throw new CriaException($"{path}: {source.Length} bytes are not whole {unit} of {unitBytes}");
        var part = new byte[Math.Min(source.Length, Math.Max(1, partBytes / unitBytes) * unitBytes)];
        WholeFile.Write(result.GetValue(output)!, target =>
        {
            for (long left = source.Length; left > 0;)
            {
                var read = part.AsSpan(0, (int)Math.Min(left, part.Length));
                source.ReadExactly(read);
                target.Write(convert(read));
                left -= read.Length;
            }
        });
    }
}
