using System.CommandLine;
using System.Text;
using Cria.Cli.Commands;
using Microsoft.Win32.SafeHandles;

namespace Cria.Cli;

static class Program
{
    const int BrokenPipe = 32; // EPIPE of Linux and macOS

    /// <summary>The verbs, one file each in Commands/.</summary>
    static RootCommand CreateRoot() => new("Llama 3.2 on this machine.")
    {
        ModelsCommand.Create(),
        PullCommand.Create(),
        InspectCommand.Create(),
        TokenizeCommand.Create(),
        DetokenizeCommand.Create(),
        LogitsCommand.Create(),
        PreprocessCommand.Create(),
        RenderCommand.Create(),
        ToolCallsCommand.Create(),
        GenerateCommand.Create(),
        ChatCommand.Create(),
        EmbedCommand.Create(),
        ScoreCommand.Create(),
        RankCommand.Create(),
        LocateCommand.Create(),
        ServeCommand.Create(),
        BenchCommand.Create(),
        EvalCommand.Create(),
        QuantizeCommand.Create(),
        ImatrixCommand.Create(),
        ConvertCommand.Create(),
        DequantizeCommand.Create(),
        QuantizeRowsCommand.Create(),
    };

    static Task<int> Main(string[] args)
    {
        var utf8 = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        Console.OutputEncoding = utf8;
        if (OperatingSystem.IsWindows()) // its code page loses most scripts; UTF-16 makes .NET read the keyboard as Unicode
            Console.InputEncoding = Console.IsInputRedirected ? utf8 : Encoding.Unicode;
        else if (Console.IsOutputRedirected)
            WritePipesDirectly(utf8);
        return RunAsync(args);
    }

    /// <summary>.NET's console stream swallows the error of a pipe that nobody reads, and a command would go on for nobody.</summary>
    static void WritePipesDirectly(Encoding encoding)
    {
        try
        {
            var output = new FileStream(new SafeFileHandle(1, ownsHandle: false), FileAccess.Write, bufferSize: 0);
            if (!output.CanSeek)
                Console.SetOut(new StreamWriter(output, encoding) { AutoFlush = true });
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            // Standard output is closed: whoever writes to it is told.
        }
    }

    /// <summary>Runs a command line; the exit code.</summary>
    internal static async Task<int> RunAsync(string[] args)
    {
        try
        {
            var result = CreateRoot().Parse(args);
            if (result.Errors.Count > 0)
            {
                var words = result.Errors.Select(e => string.Join(' ', e.Message.Split(default(char[]), StringSplitOptions.RemoveEmptyEntries)));
                Console.Error.WriteLine("cria: " + string.Join(" ", words)); // the parser's own messages may have several lines
                return 2;
            }
            // A server hears signals itself and takes its time; the default gives a command two seconds.
            var invocation = new InvocationConfiguration { EnableDefaultExceptionHandler = false };
            if (result.CommandResult.Command.Name == ServeCommand.Name)
                invocation.ProcessTerminationTimeout = null;
            return await result.InvokeAsync(invocation);
        }
        catch (IOException e) when (e.HResult == BrokenPipe)
        {
            return 0; // the reader has seen enough, as head does
        }
        catch (Exception e) when (e is CriaException or IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine("cria: " + e.Message.ReplaceLineEndings(" "));
            return 1;
        }
        catch (OperationCanceledException)
        {
            return 130;
        }
    }
}
