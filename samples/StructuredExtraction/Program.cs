// An answer as an object: whatever the model is, it can write nothing but the JSON of an appointment.
using System.ComponentModel.DataAnnotations;
using Cria.Chat;
using Microsoft.Extensions.AI;

using var client = CriaChatClient.Load(args.FirstOrDefault() ?? "pocket");

var thread = args.ElementAtOrDefault(1) ?? """
    Omar: Shall we have the lunch on Friday?
    Clara: Friday is bad for me. Can we take Monday?
    Omar: Monday is fine.
    Clara: At 5 pm at the museum?
    Omar: Perfect.
    """;
var response = await client.GetResponseAsync<Appointment>($"Summarise this thread:\n{thread}", new ChatOptions { Temperature = 0 });
var appointment = response.Result;
Console.WriteLine($"{appointment.Day}, {appointment.Hour}:00, {appointment.Place}");

sealed record Appointment
{
    public required DayOfWeek Day { get; init; }

    [Range(0, 23)]
    public required int Hour { get; init; }

    [MaxLength(20)]
    public required string Place { get; init; }
}
