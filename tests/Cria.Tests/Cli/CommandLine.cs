using System.Diagnostics;
using Cria.Cli;

namespace Cria.Tests.Cli;

/// <summary>Runs the cria command. Inside this process its standard output is everybody's, so the tests that do so take turns.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class CommandLine
{
    public const string Name = "Command line";

    /// <summary>Runs it inside this process; only for tests of the collection.</summary>
    public static (int Exit, string Output, string Error) Run(params string[] arguments)
    {
        var (output, error) = (Console.Out, Console.Error);
        using var written = new StringWriter { NewLine = "\n" };
        using var complaints = new StringWriter { NewLine = "\n" };
        Console.SetOut(written);
        Console.SetError(complaints);
        try
        {
            var exit = Program.RunAsync(arguments).GetAwaiter().GetResult();
            return (exit, written.ToString(), complaints.ToString());
        }
        finally
        {
            Console.SetOut(output);
            Console.SetError(error);
        }
    }

    /// <summary>Runs it as a process of its own with the lines as its standard input.</summary>
    public static Task<(int Code, string Output, string Error)> RunAsync(string input, params string[] arguments) => FinishAsync(Start(arguments), input);

    /// <summary>Gives a process all of its input and takes all of its output.</summary>
    public static async Task<(int Code, string Output, string Error)> FinishAsync(Process started, string input)
    {
        using var process = started;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        await process.WaitForExitAsync();
        return (process.ExitCode, await output, await error);
    }

    /// <summary>Starts it with all three streams in the caller's hands.</summary>
    public static Process Start(params string[] arguments) => Start(new Dictionary<string, string>(), arguments);

    /// <summary>Starts it with variables of its environment beside those of this process.</summary>
    public static Process Start(Dictionary<string, string> environment, params string[] arguments) =>
        StartProgram(Path.Combine(AppContext.BaseDirectory, "cria.dll"), environment, arguments);

    /// <summary>Starts any program of .NET in the same way.</summary>
    public static Process StartProgram(string path, Dictionary<string, string> environment, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [path, .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        return Process.Start(start)!;
    }
}
